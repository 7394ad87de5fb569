"""The teacher's answers to views and texts, computed once, in shards that survive an interrupt.

With the answers to a shard of views go the views' log-mels, so that a student never waits for
augmentation or a front end: training reads what was computed once.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec
from tinyalm_distill.front_end import front_end_of
from tinyalm_distill.recordings import Progress
from tinyalm_distill.teachers import Answers, AudioTextTeacher
from tinyalm_distill.views import Views

_SHARD = 1024  # rows; what a kill at the worst moment costs


class Lessons:
    """What an audio student learns from: every view's log-mel, and the teacher's answers to it.

    Attributes:
        name: of all that the lessons depend on.
        answers: the teacher's, a row a view.
    """

    def __init__(self, name: str, shards: Sequence[Path]) -> None:
        """Open the ``shards``, folders that `teach_views` left; log-mels stay on disk."""
        self.name = name
        self._log_mels = [_load(shard / "log_mel.npy", mapped=True) for shard in shards]
        self._ends = [_load(shard / "ends.npy") for shard in shards]
        kinds = msgspec.structs.fields(Answers)
        columns = {
            kind.name: np.concatenate([_load(shard / f"{kind.name}.npy") for shard in shards])
            for kind in kinds
            if (shards[0] / f"{kind.name}.npy").is_file()
        }
        self.answers = Answers(**columns)

    def __len__(self) -> int:
        return len(self.answers.embeddings)

    def log_mel(self, number: int) -> NDArray[np.float32]:
        """The log-mel of a view, (frames, n_mels), rounded to float16 on the way."""
        shard, row = divmod(number, _SHARD)
        ends = self._ends[shard]
        start = ends[row - 1] if row else 0
        return self._log_mels[shard][start : ends[row]].astype(np.float32)


def teach_views(
    teacher: AudioTextTeacher,
    views: Views,
    spec: LogMelSpec,
    cache: Path,
    *,
    progress: Progress | None = None,
) -> Lessons:
    """Let the teacher hear every view.

    Shards are named by all that they depend on: teacher, recordings, windows, seed, augmentation
    and front end. Those already in ``cache`` are not computed again.

    Args:
        teacher: answers.
        views: what it hears.
        spec: the student's front end, at the rate of ``views``.
        cache: folder of all caches.
        progress: told of every finished shard.
    """
    key = [views.seed, views.config, views.windows, views.recordings.name, spec.digest()]
    front_end = front_end_of(spec)

    def fill(numbers: range, folder: Path) -> None:
        waveforms = [views.waveform(number) for number in numbers]
        log_mels = [front_end(waveform).astype(np.float16) for waveform in waveforms]
        np.save(folder / "log_mel.npy", np.concatenate(log_mels))
        np.save(folder / "ends.npy", np.cumsum([len(one) for one in log_mels]))
        answers = teacher.answer(waveforms, views.recordings.sample_rate)
        for kind, values in msgspec.structs.asdict(answers).items():
            if values is not None:
                np.save(folder / f"{kind}.npy", values.astype(np.float16))

    name = _digest(teacher, key)
    return Lessons(name, list(_sharded(cache / f"views-{name}", len(views), fill, progress)))


def teach_texts(
    teacher: AudioTextTeacher,
    texts: Sequence[str],
    cache: Path,
    *,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """The teacher's embedding of every text, (len(texts), teacher.dim), cached likewise."""

    def fill(numbers: range, folder: Path) -> None:
        np.save(folder / "embeddings.npy", teacher.embed_text(texts[numbers.start : numbers.stop]))

    folder = cache / f"texts-{_digest(teacher, list(texts))}"
    shards = _sharded(folder, len(texts), fill, progress)
    return np.concatenate([_load(shard / "embeddings.npy") for shard in shards])


def _sharded(
    folder: Path,
    rows: int,
    fill: Callable[[range, Path], None],
    progress: Progress | None,
) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, rows, _SHARD):
        stop = min(start + _SHARD, rows)
        shard = folder / f"{start:09d}"
        if not shard.is_dir():
            partial = folder / f".{shard.name}.{os.getpid()}"
            partial.mkdir(exist_ok=True)
            fill(range(start, stop), partial)
            _settle(partial, shard)
        yield shard
        if progress is not None:
            progress(stop, rows)


def _settle(partial: Path, shard: Path) -> None:
    """Make a finished shard visible; if another process was first, its own will do."""
    try:
        partial.rename(shard)
    except OSError:
        if not shard.is_dir():
            raise
        for file in partial.iterdir():
            file.unlink()
        partial.rmdir()


def _load(path: Path, *, mapped: bool = False) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(path, "r" if mapped else None, allow_pickle=False)
    return array


def _digest(teacher: AudioTextTeacher, key: object) -> str:
    digest = hashlib.sha256(f"{teacher.name} {teacher.revision}".encode())
    digest.update(msgspec.json.encode(key))
    return digest.hexdigest()[:16]
