import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.distill.sounds import RULE, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import DataError
from tinyalm.frontend import log_mel, preset
from tinyalm_distill import listening, teacher_cache
from tinyalm_distill.manifest import read_manifest
from tinyalm_distill.recipe import ViewsConfig
from tinyalm_distill.recordings import Recordings, decode
from tinyalm_distill.teacher_cache import Lessons, TeacherCache, teach_texts
from tinyalm_distill.views import Views, cut_windows

SPEC = preset("edge-16k")

# Fills a cache by a teacher that takes its time, so that it can be interrupted.
SCRIPT = """
import sys, time
from pathlib import Path
from tests.distill.sounds import RULE
from tests.distill.test_teacher_cache import fill
from tests.fake_teacher import ToneTeacher
from tinyalm_distill import listening, recordings, teacher_cache

class Slow(ToneTeacher):
    def answer(self, waveforms, sample_rate):
        time.sleep(0.002 * len(waveforms))
        return super().answer(waveforms, sample_rate)

recordings._GROUP, recordings._GROUPS = 4, 3
listening.SHARD = teacher_cache.SHARD = 8
print("ready", flush=True)
teacher = Slow()
fill(teacher, Path(sys.argv[1]), Path(sys.argv[2]))
print(teacher.heard)
"""


def views_of(recordings: Recordings, seed: int = 0, **config: object) -> Views:
    chosen = ViewsConfig(**{"views": 2, "splice": 0.3} | config)
    return Views(recordings, cut_windows(recordings, RULE), chosen, seed)


def fill(teacher: ToneTeacher, manifest: Path, cache: Path) -> Lessons:
    known = TeacherCache(teacher, SPEC, cache)

    def plain(fresh: Recordings) -> None:
        known.teach_views(views_of(fresh, views=1))

    recordings = decode(read_manifest(manifest), 16000, cache, fresh=plain)
    teach_texts(teacher, [f"{a} and {b}" for a in "hum horn" for b in "abcdef"], cache)
    known.teach_clips(recordings)
    return known.teach_views(views_of(recordings))


def rows_of(cache: Path) -> dict[tuple[str, bytes], list[bytes]]:
    """All rows of all stores, as a reader of safetensors finds them."""
    rows = {}
    for shard in cache.glob("*/*.safetensors"):
        arrays = load_file(shard)
        ends = arrays.pop("ends", None)
        pieces = arrays.pop("pieces", None)
        keys = arrays.pop("keys")
        for row, key in enumerate(keys):
            row_of = [arrays[name][row].tobytes() for name in sorted(arrays)]
            if pieces is not None and ends is not None:
                row_of.append(pieces[ends[row - 1] if row else 0 : ends[row]].tobytes())
            rows[shard.parent.name, key.tobytes()] = row_of
    return rows


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return decode(read_manifest(make_sounds(tmp_path / "sounds")), 16000, tmp_path / "audio")


@pytest.fixture
def views(recordings: Recordings) -> Views:
    return views_of(recordings)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of eight rows, so that a few tones fill several."""
    monkeypatch.setattr(listening, "SHARD", 8)
    monkeypatch.setattr(teacher_cache, "SHARD", 8)


def teach(teacher: ToneTeacher, views: Views, cache: Path) -> Lessons:
    return TeacherCache(teacher, SPEC, cache).teach_views(views)


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
    assert reread.name == lessons.name
    assert again.heard == 0


def test_lessons_hold_the_log_mel_of_every_view(views: Views, tmp_path: Path) -> None:
    lessons = teach(ToneTeacher(), views, tmp_path)
    for number in range(len(views)):
        expected = log_mel(views.waveform(number), SPEC)
        assert lessons.log_mel(number).shape == expected.shape
        assert np.allclose(lessons.log_mel(number), expected, atol=0.01)  # float16 at about -12


def test_an_interrupt_costs_at_most_the_shard_in_hand(views: Views, tmp_path: Path) -> None:
    kept: list[int] = []

    def interrupt(done: int, total: int) -> None:
        kept.append(done)
        if done >= 16:
            raise KeyboardInterrupt

    teacher = ToneTeacher()
    with pytest.raises(KeyboardInterrupt):
        TeacherCache(teacher, SPEC, tmp_path / "cache").teach_views(views, progress=interrupt)
    assert teacher.heard == kept[-1] < len(views)
    rest = ToneTeacher()
    lessons = teach(rest, views, tmp_path / "cache")
    assert rest.heard == len(views) - kept[-1]
    undisturbed = teach(ToneTeacher(), views, tmp_path / "other")
    assert np.array_equal(lessons.answers.embeddings, undisturbed.answers.embeddings)


@pytest.mark.parametrize("change", [{"seed": 1}, {"mix": 0.1}])
def test_another_seed_or_augmentation_is_heard_but_for_the_plain_views(
    recordings: Recordings, tmp_path: Path, change: dict[str, float]
) -> None:
    teach(ToneTeacher(), views_of(recordings), tmp_path / "cache")
    teacher, changed = ToneTeacher(), views_of(recordings, **change)
    teach(teacher, changed, tmp_path / "cache")
    assert teacher.heard == len(changed) // 2


def test_further_views_of_each_window_are_added(recordings: Recordings, tmp_path: Path) -> None:
    two, three = views_of(recordings), views_of(recordings, views=3)
    teach(ToneTeacher(), two, tmp_path / "cache")
    teacher = ToneTeacher()
    teach(teacher, three, tmp_path / "cache")
    assert teacher.heard == len(three) - len(two)


def test_a_second_teacher_hears_all_and_leaves_the_log_mels_alone(
    views: Views, tmp_path: Path
) -> None:
    def log_mels() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").glob("log-mels-*/*")}

    teach(ToneTeacher(), views, tmp_path / "cache")
    before = {path: at for path, at in log_mels().items() if path.suffix}
    for change in ({"name": "other"}, {"revision": "2"}):
        teacher = ToneTeacher()
        vars(teacher).update(change)
        teach(teacher, views, tmp_path / "cache")
        assert teacher.heard == len(views)
    assert {path: at for path, at in log_mels().items() if path.suffix} == before


def test_a_second_front_end_asks_the_teacher_nothing(views: Views, tmp_path: Path) -> None:
    teach(ToneTeacher(), views, tmp_path / "cache")
    teacher, other = ToneTeacher(), preset("yamnet")
    lessons = TeacherCache(teacher, other, tmp_path / "cache").teach_views(views)
    assert teacher.heard == 0
    assert np.allclose(lessons.log_mel(3), log_mel(views.waveform(3), other), atol=0.01)


def test_further_clips_add_their_own_rows_and_those_that_they_are_mixed_into(
    tmp_path: Path,
) -> None:
    clips = read_manifest(make_sounds(tmp_path / "sounds", per_word=5))
    few, all_ = (views_of(decode(some, 16000, tmp_path / "audio")) for some in (clips[:-1], clips))
    teach(ToneTeacher(), few, tmp_path / "cache")
    teacher = ToneTeacher()
    lessons = teach(teacher, all_, tmp_path / "cache")
    own = len(all_) - len(few)
    assert teacher.heard == len(set(all_.keys()) - set(few.keys()))
    assert own <= teacher.heard < 2 * own + 8
    fresh = teach(ToneTeacher(), all_, tmp_path / "other")
    assert np.array_equal(lessons.answers.embeddings, fresh.answers.embeddings)
    assert all(np.array_equal(lessons.log_mel(n), fresh.log_mel(n)) for n in range(len(all_)))


def test_equal_clips_share_their_rows(tmp_path: Path) -> None:
    make_sounds(tmp_path / "sounds", per_word=1)
    (tmp_path / "sounds" / "copy.wav").write_bytes((tmp_path / "sounds/hum-0.wav").read_bytes())
    recordings = decode(read_manifest(tmp_path / "sounds"), 16000, tmp_path / "audio")
    teacher, views = ToneTeacher(), views_of(recordings, views=1)
    lessons = teach(teacher, views, tmp_path / "cache")
    assert len(lessons.answers.embeddings) == len(views) == teacher.heard + 1


def test_truncated_shards_are_named_and_computed_again(views: Views, tmp_path: Path) -> None:
    before = teach(ToneTeacher(), views, tmp_path / "cache").answers.embeddings
    damaged = []
    for kind in ("answers", "log-mels"):
        shard = sorted((tmp_path / "cache").glob(f"{kind}-*/*.safetensors"))[0]
        whole = shard.read_bytes()
        shard.unlink()
        shard.write_bytes(whole[:-1])
        damaged.append(str(shard))
    said: list[str] = []
    teacher = ToneTeacher()
    known = TeacherCache(teacher, SPEC, tmp_path / "cache", say=said.append)
    after = known.teach_views(views).answers.embeddings
    assert sorted(line.partition(": ")[0] for line in said) == sorted(damaged)
    assert 0 < teacher.heard <= 16
    assert np.array_equal(before, after)


def test_a_shard_of_another_teacher_is_refused_and_left_alone(views: Views, tmp_path: Path) -> None:
    other = ToneTeacher()
    other.revision = "2"
    for teacher in (ToneTeacher(), other):
        teach(teacher, views, tmp_path / "cache")
    mine, theirs = (
        (tmp_path / "cache" / teacher_cache.answers_folder(teacher))
        for teacher in (ToneTeacher(), other)
    )
    shard = sorted(theirs.glob("*.safetensors"))[0]
    (mine / "moved.safetensors").write_bytes(shard.read_bytes())
    with pytest.raises(DataError, match=r"moved\.safetensors: a shard of 'answers of tones 2'"):
        teach(ToneTeacher(), views, tmp_path / "cache")
    assert (mine / "moved.safetensors").is_file()


def test_answers_that_float16_cannot_hold_are_refused(views: Views, tmp_path: Path) -> None:
    class Loud(ToneTeacher):
        def answer(self, waveforms: list[np.ndarray], sample_rate: int) -> object:
            heard = super().answer(waveforms, sample_rate)
            return msgspec.structs.replace(heard, features=heard.features * 1e9)

    with pytest.raises(DataError, match="teacher tones: features beyond what float16 holds"):
        teach(Loud(), views, tmp_path / "cache")


def test_texts_keep_their_order_and_are_read_once_each(tmp_path: Path) -> None:
    class Reader(ToneTeacher):
        def embed_text(self, texts: list[str]) -> np.ndarray:
            read.extend(texts)
            return super().embed_text(texts)

    read: list[str] = []
    texts = [f"{word} and {other}" for word in ("hum", "horn", "beep") for other in ("hiss", "the")]
    answers = teach_texts(Reader(), texts * 3, tmp_path)
    assert np.allclose(answers, ToneTeacher().embed_text(texts * 3), atol=1e-3)
    assert sorted(read) == sorted(texts)
    read.clear()
    more = ["squeak", *texts, "buzz"]
    assert np.array_equal(teach_texts(Reader(), more, tmp_path)[1:-1], answers[: len(texts)])
    assert sorted(read) == ["buzz", "squeak"]


def test_whole_clips_are_heard_once(recordings: Recordings, tmp_path: Path) -> None:
    teacher = ToneTeacher()
    answers = TeacherCache(teacher, SPEC, tmp_path / "cache").teach_clips(recordings)
    whole = [recordings.waveform(clip) for clip in range(len(recordings))]
    assert np.allclose(answers, teacher.embed_audio(whole, 16000), atol=1e-3)
    again = ToneTeacher()
    known = TeacherCache(again, SPEC, tmp_path / "cache")
    assert np.array_equal(known.teach_clips(recordings), answers)
    assert again.heard == 0


def start(manifest: Path, cache: Path, **variables: str) -> subprocess.Popen:
    """A process that fills ``cache``, once it has loaded all that it needs."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(manifest), str(cache)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen) -> int:
    """Wait for its end; how many sounds its teacher heard."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return int(out)


def test_kills_at_any_moment_lose_no_row_and_change_none(tmp_path: Path) -> None:
    manifest = make_sounds(tmp_path / "sounds", per_word=4)
    draw = random.Random(0)
    for _ in range(int(os.environ.get("TINYALM_TEST_KILLS", "4"))):  # more for a thorough trial
        process = start(manifest, tmp_path / "killed")
        time.sleep(draw.uniform(0.02, 0.4))
        process.kill()
        process.communicate()
    finish(start(manifest, tmp_path / "killed"))
    fill(ToneTeacher(), manifest, tmp_path / "undisturbed")
    assert rows_of(tmp_path / "killed") == rows_of(tmp_path / "undisturbed")


def test_two_processes_share_the_work_and_end_with_the_rows_of_one(tmp_path: Path) -> None:
    manifest = make_sounds(tmp_path / "sounds", per_word=6)
    processes = [
        start(manifest, tmp_path / "shared", RANK=str(rank), WORLD_SIZE="2") for rank in range(2)
    ]
    heard = [finish(process) for process in processes]
    alone = ToneTeacher()
    fill(alone, manifest, tmp_path / "alone")
    assert rows_of(tmp_path / "shared") == rows_of(tmp_path / "alone")
    assert min(heard) > 0
    if sys.platform != "win32":  # where there are locks, nothing is computed twice
        assert sum(heard) == alone.heard
