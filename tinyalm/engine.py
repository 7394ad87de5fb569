"""The protocol of engines, which execute a bundle's graphs, and how one is found by name."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError

Arrays = Mapping[str, NDArray[Any]]
ENGINES = "tinyalm.engines"  # the group of entry points


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
    """The engine registered under ``name`` among the entry points `ENGINES`.

    Raises:
        MissingExtraError: no such engine is installed, and the message lists those that are; or
            the library that it stands on cannot be imported.
    """
    found = entry_points(group=ENGINES)
    for point in found:
        if point.name == name:
            try:
                return cast("Engine", point.load()())
            except ImportError as error:
                raise MissingExtraError(
                    f"the engine {name!r} cannot be imported ({error}); install its library"
                ) from None
    names = ", ".join(sorted(found.names)) or "none"
    raise MissingExtraError(f"no engine named {name!r} is installed (installed: {names})")
