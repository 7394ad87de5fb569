"""Opening an index file: what makes it ours, and what can be wrong with it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tinyalm.errors import IndexFileError
from tinyalm.index.identity import Identity

APPLICATION_ID = 0x74414C4D  # "tALM"
SCHEMA_VERSION = 1
BUSY_S = 30

_SCHEMA = """
CREATE TABLE model (
    bundle TEXT NOT NULL, audio_sha256 TEXT NOT NULL, embedding_dim INTEGER NOT NULL,
    residual TEXT, residual_sha256 TEXT
) STRICT;
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, sha256 BLOB NOT NULL, duration REAL NOT NULL
) STRICT;
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recording INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
    start_s REAL NOT NULL, end_s REAL NOT NULL, embedding BLOB NOT NULL
) STRICT;
CREATE INDEX segments_of_recording ON segments (recording);
CREATE TABLE vectors (
    last INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, crc32 INTEGER NOT NULL
) STRICT;
"""


def connect(path: Path, identity: Identity | None) -> tuple[sqlite3.Connection, Identity]:
    """Open the index at ``path``, or make one for ``identity`` where there is nothing.

    Returns:
        The connection and the model that the index was made by.

    Raises:
        IndexFileError: the file is missing (and ``identity`` None), cannot be opened, is no index,
            is damaged, or is of a newer version or another model.
    """
    if identity is None and not path.exists():
        raise IndexFileError(f"{path}: no index here; make one with 'tinyalm index sync FOLDER'")
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "a folder" if path.is_dir() else "in a folder that is not there"
        raise IndexFileError(f"{path}: {what}; name a file for the index")
    with explained(path):
        db = sqlite3.connect(
            _uri(path), timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            # FULL: what is committed survives a power cut, at one wait for the disk a recording.
            db.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")
            if identity is not None and _blank(db):
                _create(db, identity)
            return db, _checked(db, path, identity)
        except BaseException:
            db.close()
            raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file at ``path`` into an `IndexFileError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        reason = _REASONS.get(code)
        if reason is None:
            reason = f"cannot be used ({error}); see that its folder can be read and written"
        raise IndexFileError(f"{path}: {reason}") from None


_DAMAGED = "damaged; delete it and sync again, or fetch a copy"
_REASONS = {
    sqlite3.SQLITE_NOTADB: "not an index (no SQLite file); name another file",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: "the disk is full; make room and run it again, what is finished is kept",
    sqlite3.SQLITE_READONLY: "cannot be written, it can only be searched; see its permissions",
    sqlite3.SQLITE_BUSY: f"another process has been writing for {BUSY_S} s; wait for its end",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; what is finished is kept",
}


def _uri(path: Path) -> str:
    """How SQLite is to open the file: for reading alone where it cannot be written."""
    uri = f"file:{quote(str(path.absolute()))}"
    if not path.exists() or (
        os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
    ):
        return uri
    # Without a log to read beside it nobody is writing, and SQLite need not lock, which it cannot.
    log = Path(f"{path}-wal")
    return f"{uri}?mode=ro" + ("" if log.exists() and log.stat().st_size else "&immutable=1")


def _blank(db: sqlite3.Connection) -> bool:
    """Whether nothing has been written yet, as in a file that was just made."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not tables and db.execute("PRAGMA application_id").fetchone() == (0,)


def _create(db: sqlite3.Connection, identity: Identity) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        if _blank(db):  # still: another process may have been faster
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO model VALUES (?, ?, ?, ?, ?)", identity)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _checked(db: sqlite3.Connection, path: Path, identity: Identity | None) -> Identity:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise IndexFileError(f"{path}: an SQLite file, but not an index; name another file")
    if version != SCHEMA_VERSION:
        remedy = "update tinyalm" if version > SCHEMA_VERSION else "delete it and sync again"
        raise IndexFileError(
            f"{path}: index version {version}, and this tinyalm reads {SCHEMA_VERSION}; {remedy}"
        )
    row = db.execute(
        "SELECT bundle, audio_sha256, embedding_dim, residual, residual_sha256 FROM model"
    ).fetchone()
    if row is None:
        raise IndexFileError(f"{path}: {_DAMAGED}")
    made_by = Identity(*row)
    if identity is not None and not made_by.same(identity):
        raise IndexFileError(
            f"{path}: made by {made_by}, and this is {identity}; use that model and its adapters, "
            "or sync into a new index"
        )
    return made_by
