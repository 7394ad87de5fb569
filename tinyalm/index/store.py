"""The SQLite side of an index, which alone says what is in it (docs/retrieval.md)."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
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
_DAY_S = 86400.0
_TICK_S = 1.0  # how far the clock may be behind before it is written again
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
        """An SQL condition on ``r`` and its parameters, but for the folder."""
        terms, values = ["TRUE"], list[Any]()
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


class Clock(NamedTuple):
    """How long an index has existed, by a clock that may be set.

    Attributes:
        age: seconds. It grows with the system's clock, and stands where that goes back.
        latest: the latest time seen, seconds since 1970.
        last: the time seen last.
    """

    age: float
    latest: float
    last: float

    def ticked(self, now: float) -> "Clock":
        """The clock at ``now``.

        Behind the latest time, what has passed since the last look counts; once the system's clock
        is ahead of it again, only what is ahead does, so that setting it right ages nothing twice.
        """
        passed = now - self.latest if now >= self.latest else max(0.0, now - self.last)
        return Clock(self.age + passed, max(self.latest, now), now)


class Store:
    """One connection to an index. Not to be used by two threads at once.

    Args:
        path: the file; made where it is missing and ``identity`` is given.
        identity: the model that it must have been made by; None for any.
        key: 32 bytes, where it is encrypted or to be made so.

    Attributes:
        seal: what opens the index's secrets.

    Raises:
        IndexFileError: a missing, foreign, damaged or newer file, or one by another model or key.
        MissingExtraError: there is a key, and cryptography is not installed.
    """

    def __init__(self, path: Path, identity: Identity | None, key: bytes | None = None) -> None:
        self.path = path
        self._db, self.identity, self.seal = connect(path, identity, key)

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
        return next(iter(self._recordings("path = ?", (self.seal.name(path),))), None)

    def inside(self, folder: str) -> list[Recording]:
        """The recordings in ``folder`` and below, or the one that is called so, by path."""
        first, last = below(folder)
        if not self.seal.sealed:
            condition = "path = ? OR (path >= ? AND path < ?) ORDER BY path"
            return self._recordings(condition, (folder, first, last))
        found = self._recordings("TRUE", ())
        here = [one for one in found if one.path == folder or first <= one.path < last]
        return sorted(here, key=lambda one: one.path)

    def put(
        self,
        path: str,
        stamp: Stamp,
        sha256: bytes,
        windows: WindowEmbeddings,
        duration: float | None = None,
    ) -> None:
        """Write a recording in the place of what was there, within `writing`.

        Args:
            path: of the file.
            stamp: of the file.
            sha256: of its content.
            windows: those that are stored.
            duration: seconds; by default the end of the last window.
        """
        name = self.seal.name(path)
        duration = windows.duration if duration is None else duration
        self._db.execute("DELETE FROM recordings WHERE path = ?", (name,))
        cursor = self._db.execute(
            "INSERT INTO recordings (path, bytes, modified_ns, sha256, duration, added_s) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (name, *stamp, self.seal.seal(sha256), duration, self._tick().age),
        )
        rows = to_int8(windows.embeddings)
        self._db.executemany(
            "INSERT INTO segments (recording, start_s, end_s, embedding) VALUES (?, ?, ?, ?)",
            (
                (cursor.lastrowid, float(start), float(end), self.seal.seal(row.tobytes()))
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
        names = {id_: self.seal.name(path) for id_, path in paths.items()}
        self._db.executemany(changes, ((f"moving {id_}", id_) for id_ in paths))
        gone = ((name,) for name in names.values())
        self._db.executemany("DELETE FROM recordings WHERE path = ?", gone)
        self._db.executemany(changes, ((name, id_) for id_, name in names.items()))

    def remove(self, recording: int) -> None:
        """Remove a recording and its segments, within `writing`."""
        self._db.execute("DELETE FROM recordings WHERE id = ?", (recording,))

    def now(self) -> float:
        """The latest time that the index has seen, seconds since 1970: it never goes back."""
        row = self._clock()
        return max(time.time(), row.latest) if row else time.time()

    def expire(self, days: float) -> int:
        """Remove what is older than ``days``, within `writing`; returns how many recordings.

        What counts is the time since a recording was added, and since its file was last changed.
        """
        clock, seconds = self._tick(), days * _DAY_S
        cursor = self._db.execute(
            "DELETE FROM recordings WHERE added_s < ? OR modified_ns < ?",
            (clock.age - seconds, round((clock.latest - seconds) * 1e9)),
        )
        return cursor.rowcount

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
        where, values = self._where(chosen)
        query = f"SELECT count(*) FROM (SELECT 1 {_JOINED} WHERE {where} LIMIT ?)"  # noqa: S608
        return int(self._one(query, *values, limit)[0])

    def segments(self, chosen: Filter, ids: NDArray[np.int64] | None = None) -> Segments:
        """The segments that pass the filter, of ``ids`` or of all, by id."""
        where, values = self._where(chosen)
        if ids is not None:
            where += " AND s.id IN (SELECT value FROM json_each(?))"
            values.append(str(ids.tolist()))
        query = f"SELECT {_SEGMENT} {_JOINED} WHERE {where} ORDER BY s.id"
        found = self._all(query, values)
        spans = [(start, end) for _, _, start, end, _ in found]
        return Segments(
            np.array([row[0] for row in found], np.int64),
            self._texts([row[1] for row in found]),
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
        rows = self._all(query, (after, limit))
        texts = self._texts([row[1] for row in rows])
        return [
            (row[0], text, *row[2:6], self.seal.open(row[6]), row[7])
            for row, text in zip(rows, texts, strict=True)
        ]

    def matrix(self, blobs: Sequence[bytes]) -> NDArray[np.int8]:
        """Embeddings as they are stored, to (n, dim) int8."""
        dim = self.identity.embedding_dim
        blobs = [self.seal.open(blob) for blob in blobs]
        if any(len(blob) != dim for blob in blobs):
            raise IndexFileError(
                f"{self.path}: damaged, an embedding has not {dim} numbers; delete the file and "
                "sync again"
            )
        return np.frombuffer(b"".join(blobs), np.int8).reshape(-1, dim)

    def _recordings(self, condition: str, values: Sequence[Any]) -> list[Recording]:
        query = f"SELECT id, path, bytes, modified_ns, sha256 FROM recordings WHERE {condition}"  # noqa: S608
        return [
            Recording(row[0], self.seal.text(row[1]), Stamp(row[2], row[3]), self.seal.open(row[4]))
            for row in self._all(query, values)
        ]

    def _where(self, chosen: Filter) -> tuple[str, list[Any]]:
        """An SQL condition on ``r`` and its parameters."""
        where, values = chosen.where()
        if chosen.folder is None:
            return where, values
        if self.seal.sealed:
            ids = [one.id for one in self.inside(chosen.folder)]
            terms = f"{where} AND r.id IN (SELECT value FROM json_each(?))"  # noqa: S608
            return terms, [*values, str(ids)]
        terms = f"{where} AND (r.path = ? OR (r.path >= ? AND r.path < ?))"
        return terms, [*values, chosen.folder, *below(chosen.folder)]

    def _texts(self, stored: Sequence[str | bytes]) -> list[str]:
        """Paths from what is stored; many rows are of one recording."""
        text = lru_cache(maxsize=None)(self.seal.text)
        return [text(one) for one in stored]

    def _clock(self) -> Clock | None:
        found = self._all("SELECT age_s, latest_s, last_s FROM clock", ())
        return Clock(*found[0]) if found else None

    def _tick(self) -> Clock:
        """The index's clock, brought up to now, within `writing`."""
        before, now = self._clock(), time.time()
        after = before.ticked(now) if before else Clock(0.0, now, now)
        if before is None:
            self._db.execute("INSERT INTO clock VALUES (?, ?, ?)", after)
        elif after.last - before.last >= _TICK_S or after.last < before.last:
            self._db.execute("UPDATE clock SET age_s = ?, latest_s = ?, last_s = ?", after)
        else:
            return before
        return after

    def _all(self, query: str, values: Sequence[Any]) -> list[Any]:
        with explained(self.path):
            return self._db.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - a row of any columns
        return self._all(query, values)[0]
