"""The teacher's answers to views and texts, computed once, in shards that survive an interrupt."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm_distill.recordings import Progress
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.views import Views

_SHARD = 1024  # rows; what a kill at the worst moment costs


def teach_views(
    teacher: AudioTextTeacher, views: Views, cache: Path, *, progress: Progress | None = None
) -> NDArray[np.float32]:
    """The teacher's embedding of every view.

    Shards are named by all that the answers depend on: teacher, recordings, windows, seed and
    augmentation. Those already in ``cache`` are not computed again.

    Returns:
        (len(views), teacher.dim) float32 of unit length.
    """
    key = [views.seed, views.config, views.windows, views.recordings.name]
    rate = views.recordings.sample_rate

    def answer(numbers: range) -> NDArray[np.float32]:
        return teacher.embed_audio([views.waveform(number) for number in numbers], rate)

    folder = cache / f"views-{_digest(teacher, key)}"
    return _sharded(folder, len(views), answer, progress)


def teach_texts(
    teacher: AudioTextTeacher,
    texts: Sequence[str],
    cache: Path,
    *,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """The teacher's embedding of every text, (len(texts), teacher.dim), cached likewise."""

    def answer(numbers: range) -> NDArray[np.float32]:
        return teacher.embed_text(texts[numbers.start : numbers.stop])

    folder = cache / f"texts-{_digest(teacher, list(texts))}"
    return _sharded(folder, len(texts), answer, progress)


def _sharded(
    folder: Path,
    rows: int,
    answer: Callable[[range], NDArray[np.float32]],
    progress: Progress | None,
) -> NDArray[np.float32]:
    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for start in range(0, rows, _SHARD):
        stop = min(start + _SHARD, rows)
        path = folder / f"{start:09d}.npy"
        if not path.is_file():
            partial = folder / f".{path.name}.{os.getpid()}"
            with partial.open("wb") as file:
                np.save(file, answer(range(start, stop)))
            partial.replace(path)
        shards.append(np.load(path, allow_pickle=False))
        if progress is not None:
            progress(stop, rows)
    return np.concatenate(shards)


def _digest(teacher: AudioTextTeacher, key: object) -> str:
    digest = hashlib.sha256(f"{teacher.name} {teacher.revision}".encode())
    digest.update(msgspec.json.encode(key))
    return digest.hexdigest()[:16]
