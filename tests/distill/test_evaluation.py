import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.distill.sounds import make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import DataError
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation import BundleEmbedder, Task, TeacherEmbedder
from tinyalm_distill.manifest import Clip, read_clips


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return make_sounds(tmp_path / "sounds", per_word=4)


def test_a_teacher_and_a_bundle_that_hear_the_same_retain_everything(
    manifest: Path, bundle: Path
) -> None:
    task = Task(read_clips(str(manifest)))
    teacher = task.embed(TeacherEmbedder(ToneTeacher()))
    student = task.embed(BundleEmbedder(bundle))
    result, comparison = student.zero_shot(), student.compare(teacher)
    assert (result.clips, result.labels) == (16, 4)
    assert result.top1.value == result.top5.value == result.map.value == 1.0
    assert comparison.retention.value == 1.0
    assert comparison.cosine.value > 0.95


def test_a_teacher_that_hears_something_else_shows(manifest: Path) -> None:
    class Wrong(ToneTeacher):
        def embed_text(self, texts):
            return np.roll(super().embed_text(texts), 1, axis=1)

    task = Task(read_clips(str(manifest)))
    right, wrong = (task.embed(TeacherEmbedder(t)) for t in (ToneTeacher(), Wrong()))
    assert wrong.zero_shot().top1.value < 0.3
    assert wrong.compare(right).retention.value < 0.3
    assert wrong.compare(right).cosine.value == pytest.approx(1.0)
    assert np.isnan(right.compare(wrong).retention.value) or (
        right.compare(wrong).retention.value > 1
    )


def test_bad_clips_are_skipped_with_their_reasons(manifest: Path) -> None:
    clips = [*read_clips(str(manifest)), Clip(file=Path("gone.wav"), labels=("hum",))]
    result = Task(clips).embed(TeacherEmbedder(ToneTeacher())).zero_shot()
    assert result.clips == 16
    assert len(result.skipped) == 1
    assert "gone.wav" in result.skipped[0]


def test_clips_without_labels_are_an_error(manifest: Path) -> None:
    with pytest.raises(DataError, match="column 'label'"):
        Task([Clip(file=Path("a.wav"))])
    with pytest.raises(DataError, match="none of the 1 clips can be used"):
        Task([Clip(file=Path("a.wav"), labels=("x",))]).embed(TeacherEmbedder(ToneTeacher()))


def test_the_command_prints_json(manifest: Path, bundle: Path) -> None:
    arguments = ["zero-shot", "--manifest", str(manifest), "--bundle", str(bundle), "--json"]
    ran = CliRunner().invoke(evaluate, [*arguments, "--split", "dev"])
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)["result"]
    assert result["clips"] == 4
    assert result["top1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    text = CliRunner().invoke(evaluate, arguments[:-1]).stdout
    assert "top-1 1.000 [1.000, 1.000]" in text


@pytest.mark.parametrize("models", [[], ["--bundle", "a", "--teacher", "b"]])
def test_the_command_wants_one_model(manifest: Path, models: list[str]) -> None:
    ran = CliRunner().invoke(evaluate, ["zero-shot", "--manifest", str(manifest), *models])
    assert ran.exit_code == 2
    assert "name one of --bundle and --teacher" in ran.output
