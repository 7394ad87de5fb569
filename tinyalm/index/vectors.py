"""The vector file beside an index: a graph for fast search, made again whenever it is in doubt.

It holds the segments up to some id in an HNSW graph (arXiv:1603.09320) of usearch, which is mapped,
not read. Segments that came later, the tail, are searched exactly, until there are enough of them
to be folded into the file. Only SQLite says what is in the index: what a search finds here is
looked up there, so that segments that are gone by now are never answered.
"""

import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.index.quantization import to_int8
from tinyalm.index.sealing import Sealed
from tinyalm.index.store import Store, VectorsRow

if TYPE_CHECKING:
    from usearch.index import Index as Graph

EXACT_ROWS = 4096  # below it a scan of all rows costs about as much as a search of the graph
_TAIL_SHARE = 32  # of the graph's rows, one in this many may be in the tail
_DEAD_SHARE = 4  # where one row in this many is gone, the graph is made anew
_CONNECTIVITY, _EXPANSION_ADD, _EXPANSION_SEARCH = 16, 64, 64
_BLOCK = 1 << 20


class Vectors:
    """The nearest segments of an index. Not to be used by two threads at once.

    Args:
        store: the index.

    Raises:
        MissingExtraError: usearch is not installed.
    """

    def __init__(self, store: Store) -> None:
        if find_spec("usearch") is None:
            raise MissingExtraError(f"an index needs: {pip_command('index')}")
        self._store = store
        self.path = Path(f"{store.path}-vectors")
        self._row: VectorsRow | None = None
        self._graph: Graph | None = None
        self._version: tuple[int, int] | None = None
        self._ids = np.zeros(0, np.int64)
        self._rows = np.zeros((0, store.identity.embedding_dim), np.int8)

    def __len__(self) -> int:
        """How many segments it knows, those that are gone by now among them."""
        return len(self._ids) + (len(self._graph) if self._graph is not None else 0)

    def nearest(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Ids of segments, the ``count`` nearest to ``query`` (dim,) among them, in no order."""
        from usearch.index import search

        asked, found = to_int8(query[None])[0], [np.zeros(0, np.int64)]
        if self._graph is not None:
            keys = self._graph.search(asked, min(count, len(self._graph)), threads=1).keys
            found.append(keys.astype(np.int64))
        if len(self._ids) <= count:
            found.append(self._ids)
        else:
            near = search(self._rows, asked, count, exact=True, threads=1)
            found.append(self._ids[near.keys.astype(np.int64)])
        return np.concatenate(found)

    def refresh(self) -> None:
        """Catch up with what this process or another has written."""
        version = self._store.version()
        if version == self._version:
            return
        row = self._store.vectors()
        if row != self._row or self._version is None:
            self._row, self._graph = row, self._opened(row, view=True)
        self._ids, self._rows = self._store.rows_after(row.last if row and self._graph else 0)
        self._version = version

    def fold(self) -> None:
        """Put the tail into the file where it has grown long.

        Where the file cannot be written the index is searched without it: the same answers, later.
        """
        self.refresh()
        in_graph = len(self) - len(self._ids)
        if len(self._ids) <= max(EXACT_ROWS, in_graph // _TAIL_SHARE):
            return
        row = self._row if self._graph is not None else None
        if row and row.rows - self._store.count_up_to(row.last) > row.rows // _DEAD_SHARE:
            row = None
        graph = self._opened(row, view=False)
        last = row.last if row and graph is not None else 0
        graph = self._new() if graph is None else graph
        while True:
            ids, rows = self._store.rows_after(last, EXACT_ROWS)
            if not len(ids):
                break
            graph.add(ids.astype(np.uint64), rows)
            last = int(ids[-1])
        self._write(graph, last)
        self.refresh()

    def forget(self) -> None:
        """Delete the file, which may hold what is gone from the index; `fold` makes it again."""
        self._graph = self._version = None
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        self._graph = self._version = None

    def _write(self, graph: "Graph", last: int) -> None:
        # Under the index's own lock: one process at a time, and file and row change together.
        new = self.path.with_name(f"{self.path.name}.new")
        with self._store.writing():
            try:
                length = self._save(graph, new)
                size = new.stat().st_size
                if size == length:
                    row = VectorsRow(last, len(graph), size, _crc32(new))
                    new.replace(self.path)
                    self._store.set_vectors(row)
            except (OSError, RuntimeError):  # the latter is how usearch reports a full disk
                new.unlink(missing_ok=True)

    def _save(self, graph: "Graph", new: Path) -> int:
        """Write the graph to a file; returns how many bytes that has, if all were written."""
        seal = self._store.seal
        if not isinstance(seal, Sealed):
            graph.save(new)
            return int(graph.serialized_length)
        return seal.write_file(new, graph.save() or b"")

    def _opened(self, row: VectorsRow | None, *, view: bool) -> "Graph | None":
        """The file as ``row`` describes it; None where it is missing, another one, or damaged."""
        if row is None:
            return None
        try:
            if self.path.stat().st_size != row.bytes or _crc32(self.path) != row.crc32:
                return None
            graph = self._new()
            seal = self._store.seal
            source = seal.read_file(self.path) if isinstance(seal, Sealed) else self.path
            # A graph that is viewed keeps hold of the bytes that it looks into.
            (graph.view if view and source is self.path else graph.load)(source)
        except (OSError, RuntimeError):
            return None
        return graph

    def _new(self) -> "Graph":
        from usearch.index import Index as Graph

        return Graph(
            ndim=self._store.identity.embedding_dim,
            metric="cos",
            dtype="i8",
            connectivity=_CONNECTIVITY,
            expansion_add=_EXPANSION_ADD,
            expansion_search=_EXPANSION_SEARCH,
            enable_key_lookups=False,
        )


def _crc32(path: Path) -> int:
    """Checksum of a file; against damage, which usearch does not look for."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum
