from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.distill.sounds import RULE, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.frontend import log_mel, preset
from tinyalm_distill import teacher_cache
from tinyalm_distill.manifest import read_manifest
from tinyalm_distill.recipe import ViewsConfig
from tinyalm_distill.recordings import decode
from tinyalm_distill.teacher_cache import Lessons, teach_texts, teach_views
from tinyalm_distill.views import Views, cut_windows

SPEC = preset("edge-16k")


@pytest.fixture
def views(tmp_path: Path) -> Views:
    clips = read_manifest(make_sounds(tmp_path / "sounds"))
    recordings = decode(clips, 16000, tmp_path / "audio")
    return Views(recordings, cut_windows(recordings, RULE), ViewsConfig(views=2), seed=0)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of eight rows, so that a few tones fill several."""
    monkeypatch.setattr(teacher_cache, "_SHARD", 8)


def teach(teacher: ToneTeacher, views: Views, cache: Path, **options: object) -> Lessons:
    return teach_views(teacher, views, SPEC, cache, **options)


def test_answers_are_the_teachers_and_are_computed_once(views: Views, tmp_path: Path) -> None:
    teacher = ToneTeacher()
    lessons = teach(teacher, views, tmp_path / "cache")
    assert teacher.heard == len(views) == len(lessons)
    expected = teacher.answer([views.waveform(n) for n in range(len(views))], 16000)
    for kind, values in msgspec.structs.asdict(expected).items():
        assert np.allclose(getattr(lessons.answers, kind), values, atol=1e-3), kind
    again = ToneTeacher()
    reread = teach(again, views, tmp_path / "cache")
    assert np.array_equal(reread.answers.embeddings, lessons.answers.embeddings)
    assert again.heard == 0


def test_lessons_hold_the_log_mel_of_every_view(views: Views, tmp_path: Path) -> None:
    lessons = teach(ToneTeacher(), views, tmp_path)
    for number in range(len(views)):
        expected = log_mel(views.waveform(number), SPEC)
        assert lessons.log_mel(number).shape == expected.shape
        assert np.allclose(lessons.log_mel(number), expected, atol=0.01)  # float16 at about -12


def test_an_interrupt_costs_at_most_the_shard_in_hand(views: Views, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 16:
            raise KeyboardInterrupt

    teacher = ToneTeacher()
    with pytest.raises(KeyboardInterrupt):
        teach(teacher, views, tmp_path / "cache", progress=interrupt)
    assert teacher.heard == 16
    rest = ToneTeacher()
    lessons = teach(rest, views, tmp_path / "cache")
    assert rest.heard == len(views) - 16
    undisturbed = teach(ToneTeacher(), views, tmp_path / "other")
    assert np.array_equal(lessons.answers.embeddings, undisturbed.answers.embeddings)


def test_another_seed_augmentation_front_end_or_revision_is_another_cache(
    views: Views, tmp_path: Path
) -> None:
    teach(ToneTeacher(), views, tmp_path)
    changed = [
        Views(views.recordings, views.windows, views.config, seed=1),
        Views(views.recordings, views.windows, ViewsConfig(views=2, mix=0.1), seed=0),
    ]
    for other in changed:
        teacher = ToneTeacher()
        teach(teacher, other, tmp_path)
        assert teacher.heard == len(other)
    newer = ToneTeacher()
    newer.revision = "2"
    teach(newer, views, tmp_path)
    assert newer.heard == len(views)
    elsewhere = ToneTeacher()
    teach_views(elsewhere, views, preset("yamnet"), tmp_path)
    assert elsewhere.heard == len(views)


def test_texts_keep_their_order(tmp_path: Path) -> None:
    texts = [f"{word} and {other}" for word in ("hum", "horn", "beep") for other in ("hiss", "the")]
    answers = teach_texts(ToneTeacher(), texts * 3, tmp_path)
    assert np.array_equal(answers, ToneTeacher().embed_text(texts * 3))
