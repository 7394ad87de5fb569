"""A teacher at work on sounds that the cache lacks; threads make the next ones meanwhile."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.cache import Key, Store, Turns, ahead, in_groups
from tinyalm_distill.front_end import FrontEnd
from tinyalm_distill.recordings import Progress
from tinyalm_distill.teachers import Answers, AudioTextTeacher

SHARD = 1024  # rows; what a kill at the worst moment costs
_BLOCK = 64  # sounds that the teacher is asked about at once
_AHEAD, _THREADS = 3, 2  # blocks that are made before the teacher asks for them, and by how many


class Sounds(Protocol):
    """What a teacher can be asked about."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    def keys(self) -> list[Key]:
        """What each sound depends on."""
        ...

    def waveform(self, number: int) -> NDArray[np.float32]:
        """A sound, (samples,) float32."""
        ...


class LogMels(Struct, frozen=True):
    """Where log-mels are kept, and what makes them."""

    store: Store
    front_end: FrontEnd


class _Part(Struct, frozen=True):
    """Rows to make, and the group that ends with them, if one does."""

    keys: list[Key]
    ended: list[Key]


class _Made(Struct, frozen=True):
    """Waveforms that the teacher is to hear, and log-mels, by key."""

    waveforms: dict[Key, NDArray[np.float32]]
    log_mels: dict[Key, NDArray[np.float16]]


class Listening:
    """A teacher, some sounds, and where its answers to them and their log-mels go."""

    def __init__(
        self,
        teacher: AudioTextTeacher,
        sounds: Sounds,
        answers: Store,
        log_mels: LogMels | None,
    ) -> None:
        """Set up.

        Args:
            teacher: answers.
            sounds: what it hears.
            answers: keeps what it says.
            log_mels: keep what its students hear; None where they do not hear these sounds.
        """
        self._teacher, self._sounds = teacher, sounds
        self._answers, self._log_mels = answers, log_mels

    def of(self, keys: Sequence[Key], progress: Progress) -> None:
        """Make what the stores lack of the sounds' ``keys``.

        Raises:
            DataError: a store cannot be written, or float16 cannot hold an answer.
        """
        numbers = {key: number for number, key in enumerate(keys)}  # of equal ones, any will do
        left = sum(self._lacks(key) for key in numbers)
        progress(len(numbers) - left, len(numbers))
        if not left:
            return
        log_mels: dict[Key, NDArray[np.float16]] = {}
        heard: list[Key] = []
        answers: list[Answers] = []
        with Turns(self._answers.folder) as turns:
            for part, made in ahead(
                self._work(turns, list(numbers)),
                lambda part: self._made(part, numbers),
                threads=_THREADS,
                room=_AHEAD,
            ):
                log_mels |= made.log_mels
                if made.waveforms:
                    waveforms = list(made.waveforms.values())
                    heard += made.waveforms
                    answers.append(self._teacher.answer(waveforms, self._sounds.sample_rate))
                left -= len(part.keys)
                if part.ended:
                    self._keep(log_mels, heard, answers)
                    turns.done(part.ended)
                    log_mels, heard, answers = {}, [], []
                    progress(len(numbers) - left, len(numbers))
        progress(len(numbers), len(numbers))  # with what other processes did

    def _lacks(self, key: Key) -> bool:
        return key not in self._answers or (
            self._log_mels is not None and key not in self._log_mels.store
        )

    def _work(self, turns: Turns, keys: list[Key]) -> Iterator[_Part | None]:
        for group in turns.of(in_groups(keys, SHARD)):
            if group is None:
                yield None
                continue
            self._answers.refresh()
            if self._log_mels is not None:
                self._log_mels.store.refresh()
            missing = [key for key in group if self._lacks(key)]
            for start in range(0, len(missing), _BLOCK):
                stop = start + _BLOCK
                yield _Part(missing[start:stop], group if stop >= len(missing) else [])
            if not missing:
                turns.done(group)

    def _made(self, part: _Part, numbers: dict[Key, int]) -> _Made:
        made = _Made({}, {})
        for key in part.keys:
            waveform = self._sounds.waveform(numbers[key])
            if key not in self._answers:
                made.waveforms[key] = waveform
            if self._log_mels is not None and key not in self._log_mels.store:
                made.log_mels[key] = self._log_mels.front_end(waveform).astype(np.float16)
        return made

    def _keep(
        self, log_mels: dict[Key, NDArray[np.float16]], heard: list[Key], answers: list[Answers]
    ) -> None:
        if self._log_mels is not None and log_mels:
            self._log_mels.store.add(list(log_mels), {}, list(log_mels.values()))
        if heard:
            rows = [msgspec.structs.asdict(one) for one in answers]
            kinds = [kind for kind, values in rows[0].items() if values is not None]
            columns = {kind: np.concatenate([row[kind] for row in rows]) for kind in kinds}
            halves, error = halved(columns, self._teacher)
            self._answers.add(heard, halves, error=f"{error:.3g}")


def halved(
    columns: dict[str, NDArray[Any]], teacher: AudioTextTeacher
) -> tuple[dict[str, NDArray[Any]], float]:
    """Columns in float16, and the largest cosine distance of an embedding to what it was.

    Raises:
        DataError: float16 cannot hold them.
    """
    with np.errstate(over="ignore"):
        halves = {kind: values.astype(np.float16) for kind, values in columns.items()}
    for kind, values in halves.items():
        if not np.isfinite(values).all():
            raise DataError(f"teacher {teacher.name}: {kind} beyond what float16 holds, or NaN")
    exact, kept = (some["embeddings"].astype(np.float64) for some in (columns, halves))
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(kept, axis=1)
    return halves, float(np.max(1 - (exact * kept).sum(axis=1) / norms))
