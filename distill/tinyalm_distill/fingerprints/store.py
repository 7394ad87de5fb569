"""Fingerprints of recordings, kept in the cache by the content of their files."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinyalm.audio import read
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.fingerprints.landmarks import RATE, Landmarks, landmarks
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recordings import Progress

_VERSION = 1  # of how landmarks are found
_BATCH = 256  # recordings between two commits: what a killed run loses


class Fingerprint(NamedTuple):
    """What tells a recording from others.

    Attributes:
        landmarks: few or none where it is short, silent or plain.
        content: a hash of its samples at `RATE`, in 16 bits.
    """

    landmarks: Landmarks
    content: bytes


def fingerprints(
    clips: Sequence[Clip], cache: Path, *, progress: Progress
) -> list[Fingerprint | str]:
    """The fingerprint of every clip, or the reason why it cannot be read.

    Those that are in the cache are not made again; an interrupted run goes on where it was.

    Raises:
        DataError: the cache cannot be read or written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"fingerprints-{_VERSION}.sqlite"
    found: list[Fingerprint | str] = []
    try:
        with closing(sqlite3.connect(path, timeout=600)) as store:
            store.execute("CREATE TABLE IF NOT EXISTS prints (key BLOB PRIMARY KEY, print BLOB)")
            for batch in _batches(clips):
                found += _known_or_made(store, batch)
                progress(len(found), len(clips))
    except (sqlite3.Error, OSError) as error:
        raise DataError(f"{path}: cannot be used ({error}); make room, or remove it") from None
    return found


def waveform(clip: Clip) -> np.typing.NDArray[np.float32]:
    """A clip's samples at `RATE`.

    Raises:
        AudioError: it cannot be read.
    """
    return read(clip.file, RATE, start_s=clip.start_s, end_s=clip.end_s)


def _batches(clips: Sequence[Clip]) -> Iterator[Sequence[Clip]]:
    for start in range(0, len(clips), _BATCH):
        yield clips[start : start + _BATCH]


def _known_or_made(store: sqlite3.Connection, clips: Sequence[Clip]) -> list[Fingerprint | str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = list(pool.map(_key, clips))
        asked = [key for key in keys if isinstance(key, bytes)]
        marks = ",".join("?" * len(asked))
        rows = store.execute(f"SELECT key, print FROM prints WHERE key IN ({marks})", asked)  # noqa: S608
        known: dict[bytes, Fingerprint | str] = {key: _decoded(value) for key, value in rows}
        fresh = {
            key: clip
            for key, clip in zip(keys, clips, strict=True)
            if isinstance(key, bytes) and key not in known
        }
        made = dict(zip(fresh, pool.map(_make, fresh.values()), strict=True))
    rows_made = [(k, _encoded(p)) for k, p in made.items() if isinstance(p, Fingerprint)]
    store.executemany("INSERT OR REPLACE INTO prints VALUES (?, ?)", rows_made)
    store.commit()
    known |= made
    return [known[key] if isinstance(key, bytes) else key for key in keys]


def _key(clip: Clip) -> bytes | str:
    """What a clip's fingerprint depends on: its file's content, and which part of it counts."""
    try:
        with clip.file.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        return f"{clip.file}: cannot be read ({error.strerror})"
    digest.update(repr((clip.start_s, clip.end_s)).encode())
    return digest.digest()


def _make(clip: Clip) -> Fingerprint | str:
    try:
        samples = waveform(clip)
    except AudioError as error:
        return str(error)
    rounded = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    return Fingerprint(landmarks(samples), hashlib.sha256(rounded.tobytes()).digest())


def _encoded(made: Fingerprint) -> bytes:
    return made.content + np.stack(made.landmarks).astype("<u4").tobytes()


def _decoded(value: bytes) -> Fingerprint:
    hashes, frames = np.frombuffer(value[32:], "<u4").reshape(2, -1)
    return Fingerprint(Landmarks(hashes, frames), value[:32])
