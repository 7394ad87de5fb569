"""The protocol of engines, which execute a bundle's graphs, and how one is found by name."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError

Arrays = Mapping[str, NDArray[Any]]


class Graph(Protocol):
    """One loaded graph. Calls are safe from several threads."""

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Named inputs to named outputs."""
        ...


class Engine(Protocol):
    """Something that executes graph files."""

    def open(self, path: Path, *, threads: int) -> Graph:
        """Load the graph at ``path`` to run on ``threads`` CPU threads.

        Raises:
            BundleError: the file is no graph that this engine can run.
        """
        ...


def engine(name: str) -> Engine:
    """The engine registered under ``name`` in the entry-point group ``tinyalm.engines``.

    Raises:
        MissingExtraError: no such engine is installed; the message lists those that are.
    """
    found = entry_points(group="tinyalm.engines")
    for point in found:
        if point.name == name:
            return cast("Engine", point.load()())
    names = ", ".join(sorted(found.names)) or "none"
    raise MissingExtraError(f"no engine named {name!r} is installed (installed: {names})")
