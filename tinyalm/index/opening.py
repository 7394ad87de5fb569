"""Opening an index file: what makes it ours, and what can be wrong with it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tinyalm.errors import IndexFileError
from tinyalm.index.identity import Identity
from tinyalm.index.sealing import Plain, Sealed, SealRow

APPLICATION_ID = 0x74414C4D  # "tALM"
SCHEMA_VERSION = 2
BUSY_S = 30

_SCHEMA = """
CREATE TABLE model (
    bundle TEXT NOT NULL, audio_sha256 TEXT NOT NULL, embedding_dim INTEGER NOT NULL,
    residual TEXT, residual_sha256 TEXT
) STRICT;
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, path ANY NOT NULL UNIQUE, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, sha256 BLOB NOT NULL, duration REAL NOT NULL,
    added_s REAL NOT NULL
) STRICT;
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recording INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
    start_s REAL NOT NULL, end_s REAL NOT NULL, embedding BLOB NOT NULL
) STRICT;
CREATE INDEX segments_of_recording ON segments (recording);
CREATE TABLE seal (salt BLOB NOT NULL, proof BLOB NOT NULL) STRICT;
CREATE TABLE clock (
    age_s REAL NOT NULL, latest_s REAL NOT NULL, last_s REAL NOT NULL
) STRICT;
CREATE TABLE vectors (
    last INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, crc32 INTEGER NOT NULL
) STRICT;
"""


def connect(
    path: Path, identity: Identity | None, key: bytes | None = None
) -> tuple[sqlite3.Connection, Identity, Plain]:
    """Open the index at ``path``, or make one for ``identity`` where there is nothing.

    Returns:
        The connection, the model that the index was made by, and what opens its secrets.

    Raises:
        IndexFileError: the file is missing (and ``identity`` None), cannot be opened, is no index,
            is damaged, or is of a newer version, another model or another key.
        MissingExtraError: there is a key, and cryptography is not installed.
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
            # What is deleted is overwritten, and what is sorted stays in memory.
            db.executescript(
                "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
                "PRAGMA temp_store = MEMORY;"
            )
            if identity is not None and _blank(db):
                _create(db, identity, Sealed.new(path, key).row if key else None)
            made_by = _checked(db, path, identity)
            return db, made_by, _seal(db, path, key)
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


def _create(db: sqlite3.Connection, identity: Identity, seal: SealRow | None) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        if _blank(db):  # still: another process may have been faster
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO model VALUES (?, ?, ?, ?, ?)", identity)
            if seal is not None:
                db.execute("INSERT INTO seal VALUES (?, ?)", seal)
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


def _seal(db: sqlite3.Connection, path: Path, key: bytes | None) -> Plain:
    row = db.execute("SELECT salt, proof FROM seal").fetchone()
    if row is None and key is None:
        return Plain()
    if row is None:
        raise IndexFileError(
            f"{path}: not encrypted, and a key is given; open it without one, or sync into a new "
            "index"
        )
    if key is None:
        raise IndexFileError(
            f"{path}: encrypted; give its key with --index-key, TINYALM_INDEX_KEY or key="
        )
    return Sealed.known(path, key, SealRow(*row))
