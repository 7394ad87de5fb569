"""Streams of sound to events: sessions, rules, and where samples come from (docs/streaming.md)."""

from tinyalm.streaming.backlog import WhenFull
from tinyalm.streaming.events import Event, EventDetector
from tinyalm.streaming.listening import ReadAhead, listen
from tinyalm.streaming.rules import EventRule, Hysteresis, limits, read_rule
from tinyalm.streaming.scores import WindowScorer
from tinyalm.streaming.session import Counts, Session
from tinyalm.streaming.sources import Chunk, Microphone, PcmStream, Recording, Stream

__all__ = [
    "Chunk",
    "Counts",
    "Event",
    "EventDetector",
    "EventRule",
    "Hysteresis",
    "Microphone",
    "PcmStream",
    "ReadAhead",
    "Recording",
    "Session",
    "Stream",
    "WhenFull",
    "WindowScorer",
    "limits",
    "listen",
    "read_rule",
]
