"""Timing whole programs against each other: each in a process of its own, their runs in turn."""

from tinyalm.benchmark.contender import serve
from tinyalm.benchmark.race import Contender, Row, race

__all__ = ["Contender", "Row", "race", "serve"]
