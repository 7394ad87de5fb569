"""The SQLite side of an index, which alone says what is in it (docs/retrieval.md)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import IndexFileError
from tinyalm.index.identity import Identity
from tinyalm.index.opening import connect, explained
from tinyalm.index.quantization import to_int8
from tinyalm.results import WindowEmbeddings

_SEGMENT = "s.id, r.path, s.start_s, s.end_s, s.embedding"
_JOINED = "FROM segments s JOIN recordings r ON r.id = s.recording"


class Stamp(NamedTuple):
    """What tells, without reading it, whether a file is as it was."""

    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, file: Path) -> "Stamp":
        """The stamp of ``file`` now."""
        stat = file.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


class Recording(NamedTuple):
    """A row of the table of recordings."""

    id: int
    path: str
    stamp: Stamp
    sha256: bytes


class Filter(NamedTuple):
    """Which recordings are searched: in a folder, changed within a time (ns since 1970)."""

    folder: str | None = None
    after_ns: int | None = None
    before_ns: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        """An SQL condition on ``r`` and its parameters."""
        terms, values = ["TRUE"], list[Any]()
        if self.folder is not None:
            terms.append("(r.path = ? OR (r.path >= ? AND r.path < ?))")
            values += [self.folder, *below(self.folder)]
        for bound, sign in ((self.after_ns, ">="), (self.before_ns, "<")):
            if bound is not None:
                terms.append(f"r.modified_ns {sign} ?")
                values.append(bound)
        return " AND ".join(terms), values


class Segments(NamedTuple):
    """Segments of recordings with their embeddings.

    Attributes:
        ids: (n,) int64.
        paths: n recordings.
        spans: (n, 2) float64, start and end in seconds.
        rows: (n, dim) int8, to be scaled to length 1.
    """

    ids: NDArray[np.int64]
    paths: list[str]
    spans: NDArray[np.float64]
    rows: NDArray[np.int8]


class VectorsRow(NamedTuple):
    """Which vector file belongs to the index: up to which segment, its size and checksum."""

    last: int
    rows: int
    bytes: int
    crc32: int


def below(folder: str) -> tuple[str, str]:
    """The bounds between which, in the order of bytes, all paths in ``folder`` lie."""
    stem = folder.rstrip("/")
    return f"{stem}/", f"{stem}0"  # "0" comes after "/"


class Store:
    """One connection to an index. Not to be used by two threads at once.

    Args:
        path: the file; made where it is missing and ``identity`` is given.
        identity: the model that it must have been made by; None for any.

    Raises:
        IndexFileError: a missing, foreign, damaged or newer file, or one by another model.
    """

    def __init__(self, path: Path, identity: Identity | None) -> None:
        self.path = path
        self._db, self.identity = connect(path, identity)

    def close(self) -> None:
        """Close the connection."""
        with explained(self.path):
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that takes its turn among processes; undone where an error ends it."""
        with explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def find(self, path: str) -> Recording | None:
        """The recording at ``path``."""
        return next(iter(self._recordings("path = ?", (path,))), None)

    def inside(self, folder: str) -> list[Recording]:
        """The recordings in ``folder`` and below, or the one that is called so, by path."""
        condition = "path = ? OR (path >= ? AND path < ?) ORDER BY path"
        return self._recordings(condition, (folder, *below(folder)))

    def put(self, path: str, stamp: Stamp, sha256: bytes, windows: WindowEmbeddings) -> None:
        """Write a recording in the place of what was there, within `writing`."""
        self._db.execute("DELETE FROM recordings WHERE path = ?", (path,))
        cursor = self._db.execute(
            "INSERT INTO recordings (path, bytes, modified_ns, sha256, duration) "
            "VALUES (?, ?, ?, ?, ?)",
            (path, *stamp, sha256, windows.duration),
        )
        rows = to_int8(windows.embeddings)
        self._db.executemany(
            "INSERT INTO segments (recording, start_s, end_s, embedding) VALUES (?, ?, ?, ?)",
            (
                (cursor.lastrowid, float(start), float(end), row.tobytes())
                for start, end, row in zip(windows.start_s, windows.end_s, rows, strict=True)
            ),
        )

    def stamp(self, recording: int, stamp: Stamp) -> None:
        """Note that a recording of the same content has a new stamp, within `writing`."""
        self._db.execute(
            "UPDATE recordings SET bytes = ?, modified_ns = ? WHERE id = ?", (*stamp, recording)
        )

    def rename(self, paths: Mapping[int, str]) -> None:
        """Give recordings other paths, within `writing`; others that are there are replaced."""
        # First out of the way, since one's new path may be another's old one.
        changes = "UPDATE recordings SET path = ? WHERE id = ?"
        self._db.executemany(changes, ((f"moving {id_}", id_) for id_ in paths))
        gone = ((path,) for path in paths.values())
        self._db.executemany("DELETE FROM recordings WHERE path = ?", gone)
        self._db.executemany(changes, ((path, id_) for id_, path in paths.items()))

    def remove(self, recording: int) -> None:
        """Remove a recording and its segments, within `writing`."""
        self._db.execute("DELETE FROM recordings WHERE id = ?", (recording,))

    def totals(self) -> tuple[int, int, float]:
        """Recordings, segments, and seconds of sound."""
        count, seconds = self._one("SELECT count(*), total(duration) FROM recordings")
        return count, self._one("SELECT count(*) FROM segments")[0], seconds

    def version(self) -> tuple[int, int]:
        """What changes with every commit, of this connection or another."""
        return self._one("PRAGMA data_version")[0], self._db.total_changes

    def count_up_to(self, last: int) -> int:
        """How many segments have ids up to ``last``."""
        return int(self._one("SELECT count(*) FROM segments WHERE id <= ?", last)[0])

    def count(self, chosen: Filter, limit: int) -> int:
        """How many segments pass the filter, counted up to ``limit``."""
        where, values = chosen.where()
        query = f"SELECT count(*) FROM (SELECT 1 {_JOINED} WHERE {where} LIMIT ?)"  # noqa: S608
        return int(self._one(query, *values, limit)[0])

    def segments(self, chosen: Filter, ids: NDArray[np.int64] | None = None) -> Segments:
        """The segments that pass the filter, of ``ids`` or of all, by id."""
        where, values = chosen.where()
        if ids is not None:
            where += " AND s.id IN (SELECT value FROM json_each(?))"
            values.append(str(ids.tolist()))
        query = f"SELECT {_SEGMENT} {_JOINED} WHERE {where} ORDER BY s.id"
        found = self._all(query, values)
        spans = [(start, end) for _, _, start, end, _ in found]
        return Segments(
            np.array([row[0] for row in found], np.int64),
            [row[1] for row in found],
            np.array(spans, np.float64).reshape(-1, 2),
            self.matrix([row[4] for row in found]),
        )

    def rows_after(self, first: int, limit: int = -1) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Ids above ``first``, and their (n, dim) int8 rows, in order; ``limit`` of them."""
        query = "SELECT id, embedding FROM segments WHERE id > ? ORDER BY id LIMIT ?"
        found = self._all(query, (first, limit))
        return np.array([row[0] for row in found], np.int64), self.matrix([r[1] for r in found])

    def vectors(self) -> VectorsRow | None:
        """The vector file that belongs to the index, if there is one."""
        found = self._all("SELECT last, rows, bytes, crc32 FROM vectors", ())
        return VectorsRow(*found[0]) if found else None

    def set_vectors(self, row: VectorsRow) -> None:
        """Note another vector file, within `writing`."""
        self._db.execute("DELETE FROM vectors")
        self._db.execute("INSERT INTO vectors VALUES (?, ?, ?, ?)", row)

    def export_rows(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Segments above the id ``after`` with all that is known of them, in order."""
        query = (
            f"SELECT s.id, r.path, s.start_s, s.end_s, r.duration, r.modified_ns, r.sha256, "
            f"s.embedding {_JOINED} WHERE s.id > ? ORDER BY s.id LIMIT ?"
        )
        return self._all(query, (after, limit))

    def matrix(self, blobs: Sequence[bytes]) -> NDArray[np.int8]:
        """Embeddings as they are stored, to (n, dim) int8."""
        dim = self.identity.embedding_dim
        if any(len(blob) != dim for blob in blobs):
            raise IndexFileError(
                f"{self.path}: damaged, an embedding has not {dim} numbers; delete the file and "
                "sync again"
            )
        return np.frombuffer(b"".join(blobs), np.int8).reshape(-1, dim)

    def _recordings(self, condition: str, values: Sequence[Any]) -> list[Recording]:
        query = f"SELECT id, path, bytes, modified_ns, sha256 FROM recordings WHERE {condition}"  # noqa: S608
        return [
            Recording(row[0], row[1], Stamp(row[2], row[3]), row[4])
            for row in self._all(query, values)
        ]

    def _all(self, query: str, values: Sequence[Any]) -> list[Any]:
        with explained(self.path):
            return self._db.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - a row of any columns
        return self._all(query, values)[0]
