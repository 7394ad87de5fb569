"""The teacher's answers to sounds and texts, and the log-mels of what it heard, computed once.

Both are kept by content, apart from each other (docs/cache.md): a second teacher finds the log-mels
there already, a second front end the answers, and further clips add their own rows.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec
from tinyalm_distill.cache import Key, Say, Store, Turns, in_groups, key_of
from tinyalm_distill.front_end import front_end_of
from tinyalm_distill.listening import SHARD, Listening, LogMels, halved
from tinyalm_distill.recordings import Progress, Recordings, unheard, unseen
from tinyalm_distill.teachers import Answers, AudioTextTeacher
from tinyalm_distill.views import Views


class Lessons:
    """What an audio student learns from: every view's log-mel, and the teacher's answers to it.

    Attributes:
        name: of all that the lessons depend on.
    """

    def __init__(self, keys: Sequence[Key], answers: Store, log_mels: Store) -> None:
        """Take the rows of ``keys`` from two stores; log-mels stay on disk."""
        self._keys, self._answers, self._log_mels = keys, answers, log_mels
        names = answers.folder.name.encode(), log_mels.folder.name.encode()
        self.name = key_of(*names, *keys).hex()

    def __len__(self) -> int:
        return len(self._keys)

    @cached_property
    def answers(self) -> Answers:
        """The teacher's, a row a view, float16."""
        kinds = self._answers.columns()
        return Answers(**{kind: self._answers.column(kind, self._keys) for kind in kinds})

    def log_mel(self, number: int) -> NDArray[np.float32]:
        """The log-mel of a view, (frames, n_mels), rounded to float16 on the way."""
        return self._log_mels.piece(self._keys[number]).astype(np.float32)


class TeacherCache:
    """What a teacher has said so far of sounds, and the log-mels of what it heard for students."""

    def __init__(
        self, teacher: AudioTextTeacher, spec: LogMelSpec, cache: Path, *, say: Say = unheard
    ) -> None:
        """Open it.

        Args:
            teacher: answers what is not known yet.
            spec: the students' front end.
            cache: folder of all caches.
            say: told of what was repaired in the cache.

        Raises:
            DataError: the cache cannot be written, or holds what it should not.
        """
        digest = spec.digest()[:16]
        log_mels = Store(cache / f"log-mels-{digest}", f"log-mels {digest}", say)
        self._teacher, self._log_mels = teacher, LogMels(log_mels, front_end_of(spec))
        self._answers = _answers(teacher, cache, say)

    def teach_views(self, views: Views, *, progress: Progress = unseen) -> Lessons:
        """Let the teacher hear every view that it has not heard yet.

        Args:
            views: at the front end's rate.
            progress: told of views that are done.

        Raises:
            DataError: the cache cannot be written, or float16 cannot hold an answer.
        """
        keys = views.keys()
        Listening(self._teacher, views, self._answers, self._log_mels).of(keys, progress)
        return Lessons(keys, self._answers, self._log_mels.store)

    def teach_clips(
        self, recordings: Recordings, *, progress: Progress = unseen
    ) -> NDArray[np.float32]:
        """The teacher's embedding of every whole clip, (clips, dim), kept likewise."""
        return _hear_whole(self._teacher, recordings, self._answers, progress)

    def error(self) -> float:
        """Largest cosine distance by which rounding to float16 has moved an embedding."""
        return max((float(notes["error"]) for notes in self._answers.notes), default=0.0)


class _Whole:
    """Recordings as they are."""

    def __init__(self, recordings: Recordings) -> None:
        self.sample_rate = recordings.sample_rate
        self.waveform = recordings.waveform
        self._contents = recordings.keys

    def keys(self) -> list[Key]:
        return [key_of(content, b"whole") for content in self._contents]


def teach_clips(
    teacher: AudioTextTeacher,
    recordings: Recordings,
    cache: Path,
    *,
    progress: Progress = unseen,
    say: Say = unheard,
) -> NDArray[np.float32]:
    """`TeacherCache.teach_clips` for who needs no log-mels."""
    return _hear_whole(teacher, recordings, _answers(teacher, cache, say), progress)


def _hear_whole(
    teacher: AudioTextTeacher, recordings: Recordings, answers: Store, progress: Progress
) -> NDArray[np.float32]:
    whole = _Whole(recordings)
    keys = whole.keys()
    Listening(teacher, whole, answers, None).of(keys, progress)
    return answers.column("embeddings", keys).astype(np.float32)


def _answers(teacher: AudioTextTeacher, cache: Path, say: Say) -> Store:
    return Store(cache / answers_folder(teacher), f"answers of {_name(teacher)}", say)


def teach_texts(
    teacher: AudioTextTeacher,
    texts: Sequence[str],
    cache: Path,
    *,
    progress: Progress = unseen,
    say: Say = unheard,
) -> NDArray[np.float32]:
    """The teacher's embedding of every text, (len(texts), teacher.dim), cached text by text."""
    store = Store(cache / f"texts-{_slug(teacher)}", f"texts of {_name(teacher)}", say)
    keys = [key_of(text.encode()) for text in texts]
    by_key = dict(zip(keys, texts, strict=True))
    left = len(store.missing(keys))
    if left:
        with Turns(store.folder) as turns:
            for group in turns.of(in_groups(keys, SHARD)):
                store.refresh()
                missing = store.missing(group or [])
                if missing:
                    embedded = teacher.embed_text([by_key[key] for key in missing])
                    column, error = halved({"embeddings": embedded}, teacher)
                    store.add(missing, column, error=f"{error:.3g}")
                    left -= len(missing)
                    progress(len(by_key) - left, len(by_key))
                if group:
                    turns.done(group)
    progress(len(by_key), len(by_key))
    return store.column("embeddings", keys).astype(np.float32)


def answers_folder(teacher: AudioTextTeacher) -> str:
    """Name of the folder of a teacher's answers to sounds."""
    return f"answers-{_slug(teacher)}"


def _name(teacher: AudioTextTeacher) -> str:
    return f"{teacher.name} {teacher.revision}"


def _slug(teacher: AudioTextTeacher) -> str:
    """The teacher's name as a part of a folder's, with a digest of what does not show in it."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", teacher.name).strip("-")[-40:]
    return f"{readable}-{key_of(_name(teacher).encode()).hex()[:8]}"
