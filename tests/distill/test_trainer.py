from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from tests.distill.sounds import RULE, make_recipe, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioEncoder, deterministic_init
from tinyalm.models.shapes import AudioStudentConfig, MobileConfig
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.recipe import Objectives, TrainConfig
from tinyalm_distill.recordings import decode
from tinyalm_distill.teacher_cache import TeacherCache
from tinyalm_distill.trainer import Curriculum, Trainer
from tinyalm_distill.training_state import Course, read_history, save_state, write_history
from tinyalm_distill.validation import Validation
from tinyalm_distill.views import Views, cut_windows

SPEC = preset("edge-16k")
ALL = Objectives(features=0.5, classes=1, relations=0.1, labels=0.5, contrast=0.5, queue=32)


@dataclass
class Lesson:
    curriculum: Curriculum
    config: TrainConfig

    def trainer(
        self, student: AudioEncoder | None = None, *, seed: int = 0, **changes: object
    ) -> Trainer:
        if student is None:
            shape = AudioStudentConfig(embedding_dim=8, body=MobileConfig(width=0.25, features=16))
            student = AudioEncoder(shape)
            deterministic_init(student, seed)
        return Trainer(
            student, self.curriculum, msgspec.structs.replace(self.config, **changes), seed
        )

    def taught(self, **changes: object) -> "Lesson":
        return replace(self, curriculum=msgspec.structs.replace(self.curriculum, **changes))


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trainer")
    manifest = make_sounds(folder / "sounds")
    recipe, teacher = make_recipe(manifest, steps=12), ToneTeacher()
    train, dev = (
        decode(read_clips(str(manifest), split), 16000, folder / split)
        for split in ("train", "dev")
    )
    views = Views(train, cut_windows(train, RULE), recipe.views, recipe.seed)
    known = TeacherCache(teacher, SPEC, folder)
    lessons = known.teach_views(views)
    validation = Validation(dev, RULE, SPEC, known.teach_clips(dev))
    bank = teacher.embed_text(teacher.labels)
    return Lesson(Curriculum(views, lessons, bank, validation, Objectives()), recipe.train)


def silent(step: int, loss: float, cosine: float) -> None:
    """A report that nobody reads."""


def weights(student: AudioEncoder) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in student.state_dict().items()}


def same(first: AudioEncoder, second: AudioEncoder) -> bool:
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def test_a_student_learns_what_its_teacher_hears(lesson: Lesson, tmp_path: Path) -> None:
    trainer = lesson.trainer(steps=80, validate_every=20, learning_rate=1e-2)
    trainer.fit(tmp_path / "state", silent)
    cosines = [point.cosine for point in trainer.course.history]
    assert cosines[-1] > 0.8
    assert trainer.course.history[-1].loss < trainer.course.history[0].loss / 2
    write_history(tmp_path, trainer.course.history)
    assert read_history(tmp_path) == trainer.course.history


def test_the_same_seed_gives_the_same_student(lesson: Lesson, tmp_path: Path) -> None:
    first, again, other = (
        lesson.trainer(seed=seed).fit(tmp_path / f"{number}", silent)
        for number, seed in enumerate((0, 0, 1))
    )
    assert same(first, again)
    assert not same(first, other)


def test_a_resumed_training_ends_where_an_undisturbed_one_does(
    lesson: Lesson, tmp_path: Path
) -> None:
    undisturbed = lesson.trainer()
    whole = undisturbed.fit(tmp_path / "whole", silent)

    def interrupt(step: int, loss: float, cosine: float) -> None:
        if step == 7:  # three steps past the last saved state
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lesson.trainer().fit(tmp_path / "state", interrupt)
    resumed = lesson.trainer()
    assert same(resumed.fit(tmp_path / "state", silent), whole)
    assert resumed.course.history == undisturbed.course.history


def test_a_finished_training_is_not_trained_again(lesson: Lesson, tmp_path: Path) -> None:
    done = lesson.trainer().fit(tmp_path / "state", silent)
    steps: list[int] = []
    again = lesson.trainer().fit(tmp_path / "state", lambda step, *_: steps.append(step))
    assert steps == []
    assert same(done, again)


def test_the_state_of_another_training_is_refused(lesson: Lesson, tmp_path: Path) -> None:
    lesson.trainer().fit(tmp_path / "state", silent)
    with pytest.raises(DataError, match="the state of another recipe"):
        lesson.trainer(learning_rate=1e-4).fit(tmp_path / "state", silent)
    with pytest.raises(DataError, match="the state of another recipe"):
        lesson.taught(objectives=ALL).trainer().fit(tmp_path / "state", silent)
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:1000])
    with pytest.raises(DataError, match="damaged"):
        lesson.trainer().fit(tmp_path / "state", silent)


def test_a_loss_that_is_no_number_is_an_error(lesson: Lesson, tmp_path: Path) -> None:
    trainer = lesson.taught(bank=lesson.curriculum.bank * np.nan, objectives=ALL).trainer()
    with pytest.raises(ConfigError, match=r"the loss is nan at step 1; lower train\.learning_rate"):
        trainer.fit(tmp_path / "state", silent)


def test_accumulated_batches_make_one_step(lesson: Lesson, tmp_path: Path) -> None:
    plain = lesson.trainer(steps=4).fit(tmp_path / "plain", silent)
    trainer = lesson.trainer(steps=4, accumulate=2)
    assert not same(trainer.fit(tmp_path / "accumulated", silent), plain)
    assert trainer.course.step == 4


def test_training_stops_when_patience_is_at_its_end(lesson: Lesson, tmp_path: Path) -> None:
    trainer = lesson.trainer(steps=400, validate_every=1, patience=3, learning_rate=1e-9)
    trainer.fit(tmp_path / "state", silent)
    cosines = [point.cosine for point in trainer.course.history]
    assert trainer.course.step < 400
    assert max(cosines[-3:]) <= max(cosines[:-3])


def test_all_objectives_together_train_and_resume(lesson: Lesson, tmp_path: Path) -> None:
    both = lesson.taught(objectives=ALL)
    whole = both.trainer(clusters=3).fit(tmp_path / "whole", silent)

    def interrupt(step: int, loss: float, cosine: float) -> None:
        if step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        both.trainer(clusters=3).fit(tmp_path / "state", interrupt)
    assert same(both.trainer(clusters=3).fit(tmp_path / "state", silent), whole)


def test_curves_are_left_for_tensorboard(lesson: Lesson, tmp_path: Path) -> None:
    lesson.trainer().fit(tmp_path / "state", silent)
    assert list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))


def test_a_missing_gpu_is_named(lesson: Lesson) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match=r"set train\.device=cpu"):
        lesson.trainer(device="cuda")


def test_a_full_disk_is_named_and_keeps_the_last_state(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="files of limited size")
    state, limits = tmp_path / "training.safetensors", resource.getrlimit(resource.RLIMIT_FSIZE)
    save_state(state, "a", {"weights": torch.zeros(3)}, Course())
    before = state.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"safetensors: cannot be written .*--resume"):
            save_state(state, "a", {"weights": torch.ones(3000)}, Course(step=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == [state.name]
    assert state.read_bytes() == before
