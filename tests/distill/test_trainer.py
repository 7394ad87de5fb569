from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from tests.distill.sounds import RULE, make_recipe, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioStudent, AudioStudentConfig, deterministic_init
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.recipe import TrainConfig
from tinyalm_distill.recordings import decode
from tinyalm_distill.teacher_cache import teach_views
from tinyalm_distill.trainer import Trainer, read_history
from tinyalm_distill.validation import Validation, embed_clips
from tinyalm_distill.views import Views, cut_windows


@dataclass
class Lesson:
    views: Views
    targets: np.ndarray
    validation: Validation
    config: TrainConfig

    def trainer(self, *, seed: int = 0, **changes: object) -> Trainer:
        student = AudioStudent(
            AudioStudentConfig(embedding_dim=8, width=0.25, features=16), preset("edge-16k")
        )
        deterministic_init(student, seed)
        config = msgspec.structs.replace(self.config, **changes)
        return Trainer(student, self.views, self.targets, self.validation, config, seed)


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
    targets = teach_views(teacher, views, folder)
    return Lesson(views, targets, Validation(dev, RULE, embed_clips(teacher, dev)), recipe.train)


def silent(step: int, loss: float, cosine: float) -> None:
    """A report that nobody reads."""


def weights(student: AudioStudent) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in student.state_dict().items()}


def same(first: AudioStudent, second: AudioStudent) -> bool:
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def test_a_student_learns_what_its_teacher_hears(lesson: Lesson, tmp_path: Path) -> None:
    trainer = lesson.trainer(steps=80, validate_every=20, learning_rate=1e-2)
    trainer.fit(tmp_path / "state", silent)
    cosines = [point.cosine for point in trainer.history]
    assert cosines[-1] > 0.8
    assert trainer.history[-1].loss < trainer.history[0].loss / 2
    trainer.write_history(tmp_path)
    assert read_history(tmp_path) == trainer.history


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
    assert resumed.history == undisturbed.history


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
    other = Lesson(lesson.views, -lesson.targets, lesson.validation, lesson.config)
    with pytest.raises(DataError, match="the state of another recipe"):
        other.trainer().fit(tmp_path / "state", silent)
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:1000])
    with pytest.raises(DataError, match="damaged"):
        lesson.trainer().fit(tmp_path / "state", silent)


def test_a_loss_that_is_no_number_is_an_error(lesson: Lesson, tmp_path: Path) -> None:
    broken = Lesson(lesson.views, lesson.targets * np.nan, lesson.validation, lesson.config)
    with pytest.raises(ConfigError, match=r"the loss is nan at step 1; lower train\.learning_rate"):
        broken.trainer().fit(tmp_path / "state", silent)


def test_a_missing_gpu_is_named(lesson: Lesson) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match=r"set train\.device=cpu"):
        lesson.trainer(device="cuda")
