"""The protocol of engines, which execute a bundle's graphs, and how one is found by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError
from tinyalm.plugins import plugin, plugins

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
    found = plugin(ENGINES, name)
    if found is None:
        names = ", ".join(plugins(ENGINES)) or "none"
        raise MissingExtraError(f"no engine named {name!r} is installed (installed: {names})")
    try:
        return cast("Callable[[], Engine]", found.load())()
    except ImportError as error:
        raise MissingExtraError(
            f"the engine {name!r} cannot be imported ({error}); install its library"
        ) from None
