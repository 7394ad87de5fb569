"""Sounds embedded once: what a model has heard is kept in the cache, chunk by chunk."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.cache import cache_dir
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.evaluation.embedders import Embedder
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar

_CHUNK = 64  # sounds that are kept together; a killed run loses less than these


class Sound(Protocol):
    """Something to hear."""

    @property
    def key(self) -> str:
        """Changes whenever its samples do."""
        ...

    def waveform(self, sample_rate: int) -> NDArray[np.float32]:
        """(samples,) float32; raises AudioError where it cannot be used."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A clip as it is."""

    clip: Clip

    @property
    def key(self) -> str:
        """Its file's name, size and time of change, and the part that counts."""
        try:
            stat = self.clip.file.stat()
            state = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            state = (-1, -1)
        return repr((str(self.clip.file), self.clip.start_s, self.clip.end_s, state))

    def waveform(self, sample_rate: int) -> NDArray[np.float32]:
        """The clip's samples."""
        clip = self.clip
        return read(clip.file, sample_rate, start_s=clip.start_s, end_s=clip.end_s)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Sounds in one model's space.

    Attributes:
        rows: (n, dim) float32 of unit length.
        used: (n,) numbers, ascending, of the sounds that they belong to.
        skipped: why the others could not be used.
    """

    rows: NDArray[np.float32]
    used: NDArray[np.int64]
    skipped: list[str]


def hear(embedder: Embedder, sounds: Sequence[Sound], what: str = "clips") -> Heard:
    """Embed ``sounds``, or find them embedded in the cache.

    Args:
        embedder: who hears them.
        sounds: at least one.
        what: they are, for the progress bar.

    Raises:
        DataError: none of them can be used.
    """
    folder = cache_dir() / "distill" / "heard"
    folder.mkdir(parents=True, exist_ok=True)
    chunks = []
    with bar(f"{embedder.name} hears {what}") as progress:
        for start in range(0, len(sounds), _CHUNK):
            chunk = sounds[start : start + _CHUNK]
            chunks.append(_chunk(embedder, chunk, folder))
            progress(start + len(chunk), len(sounds))
    skipped = [reason for chunk in chunks for reason in chunk.skipped]
    if not any(chunk.used.size for chunk in chunks):
        raise DataError(f"none of the {len(sounds)} {what} can be used; the first: {skipped[0]}")
    return Heard(
        np.concatenate([chunk.rows for chunk in chunks if chunk.used.size]),
        np.concatenate([chunk.used + _CHUNK * i for i, chunk in enumerate(chunks)]),
        skipped,
    )


def _chunk(embedder: Embedder, sounds: Sequence[Sound], folder: Path) -> Heard:
    digest = hashlib.sha256(embedder.identity.encode())
    for sound in sounds:
        digest.update(f"\n{sound.key}".encode())
    file = folder / f"{digest.hexdigest()[:32]}.npz"
    if not file.is_file():
        partial = folder / f".{file.name}.{os.getpid()}"
        heard = _listen(embedder, sounds)
        with partial.open("wb") as out:
            np.savez(
                out, rows=heard.rows, used=heard.used, skipped=np.array(heard.skipped, np.str_)
            )
        partial.replace(file)  # whole or not there: a killed run leaves no half chunk
    with np.load(file) as kept:
        return Heard(kept["rows"], kept["used"], kept["skipped"].tolist())


def _listen(embedder: Embedder, sounds: Sequence[Sound]) -> Heard:
    rows, used, skipped = [], [], []
    for number, sound in enumerate(sounds):
        try:
            rows.append(embedder.embed_waveform(sound.waveform(embedder.sample_rate)))
            used.append(number)
        except AudioError as error:
            skipped.append(str(error))
    stacked = np.stack(rows) if rows else np.zeros((0, 0), np.float32)
    return Heard(stacked, np.array(used, np.int64), skipped)
