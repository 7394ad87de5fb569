"""From a recipe to a full cache: what `tinyalm distill cache` does, and `run` before it trains."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm.frontend import preset
from tinyalm_distill.cache import Say, world
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import Recipe, ViewsConfig
from tinyalm_distill.recordings import Fresh, Recordings, decode
from tinyalm_distill.splits import split_clips
from tinyalm_distill.taught_texts import TaughtTexts, teach_phrases
from tinyalm_distill.teacher_cache import Lessons, TeacherCache
from tinyalm_distill.teachers import Answers, AudioTextTeacher
from tinyalm_distill.views import Views, cut_windows


class Filled(Struct, frozen=True):
    """What there is to train from, all of it in the cache.

    Attributes:
        train: recordings to learn from.
        held_out: recordings to measure on.
        targets: (clips held out, dim) float32, the teacher's embeddings of them.
        texts: phrases, and the teacher's embeddings of them.
        views: what is heard of ``train``.
        lessons: the teacher's answers to that, and its log-mels.
    """

    train: Recordings
    held_out: Recordings
    targets: NDArray[np.float32]
    texts: TaughtTexts
    views: Views
    lessons: Lessons


class Effort(Struct, frozen=True):
    """What filling the cache took.

    Attributes:
        wall_s: seconds in all.
        teacher_s: of them, those in which the teacher computed.
        reading_s: those in which texts were made and read; the others are for sound.
        heard_s: seconds of sound that the teacher was asked about.
        error: largest cosine distance by which rounding to float16 moved an embedding.
    """

    wall_s: float
    teacher_s: float
    reading_s: float
    heard_s: float
    error: float

    def __str__(self) -> str:
        """One line."""
        hearing_s = self.wall_s - self.reading_s
        return (
            f"{self.wall_s:.1f} s, {self.teacher_s / self.wall_s:.0%} of it the teacher's; "
            f"{self.heard_s:.0f} s of sound in {hearing_s:.1f} s, "
            f"{self.heard_s / hearing_s:.0f} times real time; "
            f"float16 moves embeddings by a cosine distance of at most {self.error:.1e}"
        )


def fill_cache(
    recipe: Recipe,
    teacher: AudioTextTeacher,
    cache: Path,
    *,
    say: Say,
    check: Callable[[Recordings], object] = len,
) -> tuple[Filled, Effort]:
    """Have everything in ``cache`` that a training by ``recipe`` reads.

    What is there already is not computed again, and what an interrupted process left is gone on
    with. Several processes may do so at once, see `tinyalm_distill.cache.turns`.

    Args:
        recipe: says what is wanted.
        teacher: the one that ``recipe`` names, opened.
        cache: folder of all caches.
        say: told, line by line, what was skipped and what was repaired.
        check: given the recordings to learn from, before the teacher hears all their views; what
            cannot be learned from, it refuses by an error.

    Raises:
        TinyalmError: nothing to learn from, or a cache that cannot be used.
    """
    started, watched = time.monotonic(), _Watched(teacher)
    asked = cast(AudioTextTeacher, watched)
    spec = preset(recipe.frontend)
    known = TeacherCache(asked, spec, cache, say=say)
    rule = msgspec.structs.replace(
        recipe.windows, hop_s=min(recipe.views.hop_s, recipe.windows.length_s)
    )

    def views_of(recordings: Recordings, config: ViewsConfig) -> Views:
        return Views(recordings, cut_windows(recordings, rule), config, recipe.seed)

    def hear_plain(fresh: Recordings) -> None:
        """First views are of one clip each: the teacher need not wait until all are decoded."""
        known.teach_views(views_of(fresh, ViewsConfig(views=1)))

    def hear_whole(fresh: Recordings) -> None:
        known.teach_clips(fresh)

    clips = [clip for name in recipe.data.manifests for clip in read_clips(name)]
    learned, measured = split_clips(clips, recipe.data)
    rate = spec.sample_rate  # the teacher hears what the student hears
    train = _decoded("decoding recordings", learned, rate, cache, hear_plain, say)
    held_out = _decoded("decoding validation", measured, rate, cache, hear_whole, say)
    skipped = len(train.skipped) + len(held_out.skipped)
    if skipped and world().rank == 0:
        say(f"{skipped} of {len(clips)} clips skipped")
    check(train)
    with bar("teacher hears validation") as progress:
        targets = known.teach_clips(held_out, progress=progress)
    phrases = known_texts(recipe, teacher, train)
    reading = time.monotonic()
    texts = teach_phrases(asked, phrases, recipe.text, cache, seed=recipe.seed, say=say)
    reading_s = time.monotonic() - reading
    views = views_of(train, recipe.views)
    with bar("teacher hears views") as progress:
        lessons = known.teach_views(views, progress=progress)
    wall_s = time.monotonic() - started
    effort = Effort(wall_s, watched.busy_s, reading_s, watched.heard_s, known.error())
    return Filled(train, held_out, targets, texts, views, lessons), effort


def known_texts(recipe: Recipe, teacher: AudioTextTeacher, train: Recordings) -> list[str]:
    """Labels and captions that the text student should do well on, each once.

    Raises:
        DataError: a file of texts cannot be read.
    """
    known = list(teacher.labels)
    known += [text for clip in train.clips for text in (*clip.labels, *clip.captions)]
    for name in recipe.data.texts:
        try:
            known += Path(name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{name}: cannot be read as text ({error})") from None
    return list(dict.fromkeys(text for text in known if text.strip()))


def _decoded(
    label: str, clips: list[Clip], rate: int, cache: Path, fresh: Fresh, say: Say
) -> Recordings:
    with bar(label) as progress:
        recordings = decode(clips, rate, cache, progress=progress, fresh=fresh, say=say)
    if world().rank == 0:
        for _, reason in recordings.skipped:
            say(f"skipped {reason}")
    return recordings


class _Watched:
    """A teacher, with a clock on what it computes."""

    def __init__(self, teacher: AudioTextTeacher) -> None:
        self._teacher = teacher
        self.busy_s = self.heard_s = 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self._teacher, name)

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        self.heard_s += sum(waveform.size for waveform in waveforms) / sample_rate
        with self._clock():
            return self._teacher.answer(waveforms, sample_rate)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._clock():
            return self._teacher.embed_text(texts)

    @contextmanager
    def _clock(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.busy_s += time.monotonic() - began
