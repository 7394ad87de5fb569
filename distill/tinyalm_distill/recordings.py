"""Recordings, decoded once: every clip of a manifest as float32 at one rate, in one mapped file."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.manifest import Clip

Progress = Callable[[int, int], None]  # done, of how many


class Skipped(Struct, frozen=True):
    """A clip that cannot be used, and why."""

    clip: int
    reason: str


class _Index(Struct, frozen=True):
    offsets: list[int]  # of the clip in samples; one more than clips
    skipped: list[Skipped]


class Recordings:
    """The usable clips of a manifest, in its order; `waveform` maps them from disk."""

    def __init__(self, clips: Sequence[Clip], folder: Path, sample_rate: int) -> None:
        """Open what `decode` left in ``folder``."""
        index = msgspec.json.decode((folder / "index.json").read_bytes(), type=_Index)
        unusable = {skipped.clip for skipped in index.skipped}
        self.name, self.sample_rate = folder.name, sample_rate
        self.clips = [clip for i, clip in enumerate(clips) if i not in unusable]
        self.skipped = [(clips[s.clip].file, s.reason) for s in index.skipped]
        self._offsets = index.offsets
        self._samples = np.memmap(folder / "audio.f32", np.float32, "r")

    def __len__(self) -> int:
        return len(self.clips)

    def samples(self, clip: int) -> int:
        """Length of a clip in samples."""
        return self._offsets[clip + 1] - self._offsets[clip]

    def waveform(self, clip: int) -> NDArray[np.float32]:
        """A clip, (samples,) float32, read-only."""
        return self._samples[self._offsets[clip] : self._offsets[clip + 1]]


def decode(
    clips: Sequence[Clip], sample_rate: int, cache: Path, *, progress: Progress | None = None
) -> Recordings:
    """Decode all clips to mono at ``sample_rate``, or find them decoded in ``cache``.

    Clips that cannot be decoded are skipped and listed. What is cached is named by the files'
    names, sizes and times of change, so that a changed file is decoded again.

    Raises:
        DataError: none of the clips can be used.
    """
    folder = cache / f"audio-{_digest(clips, sample_rate)}"
    if not (folder / "index.json").is_file():
        _decode_into(folder, clips, sample_rate, progress or (lambda _done, _total: None))
    recordings = Recordings(clips, folder, sample_rate)
    if not recordings.clips:
        first = recordings.skipped[0][1] if recordings.skipped else "there are none"
        raise DataError(f"none of the {len(clips)} clips can be used; the first: {first}")
    return recordings


def _decode_into(folder: Path, clips: Sequence[Clip], sample_rate: int, progress: Progress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    offsets, skipped = [0], list[Skipped]()
    # Another process may be decoding the same clips: each writes its own, and either will do.
    audio, index = folder / f".audio.{os.getpid()}", folder / f".index.{os.getpid()}"
    with ThreadPoolExecutor(2) as pool, audio.open("wb") as file:
        decoded = pool.map(lambda clip: _read(clip, sample_rate), clips)
        for number, result in enumerate(decoded):
            if isinstance(result, str):
                skipped.append(Skipped(number, result))
            else:
                file.write(result.tobytes())
                offsets.append(offsets[-1] + result.size)
            progress(number + 1, len(clips))
        if len(offsets) == 1:
            file.write(bytes(4))  # an empty file cannot be mapped
    audio.replace(folder / "audio.f32")
    index.write_bytes(msgspec.json.encode(_Index(offsets, skipped)))
    index.replace(folder / "index.json")  # last: with it, the folder is whole


def _read(clip: Clip, sample_rate: int) -> NDArray[np.float32] | str:
    try:
        return read(clip.file, sample_rate, start_s=clip.start_s, end_s=clip.end_s)
    except AudioError as error:
        return str(error)


def _digest(clips: Sequence[Clip], sample_rate: int) -> str:
    digest = hashlib.sha256(str(sample_rate).encode())
    for clip in clips:
        try:
            stat = clip.file.stat()
            state = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            state = (-1, -1)
        digest.update(repr((str(clip.file), clip.start_s, clip.end_s, state)).encode())
    return digest.hexdigest()[:16]
