import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.distill.sounds import make_sounds
from tests.fake_teacher import ToneTeacher
from tests.fakes import WORDS, make_bundle
from tests.process import one_line, tinyalm
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.classification import zero_shot
from tinyalm_distill.evaluation.embedders import BundleEmbedder, TeacherEmbedder, embed_labels
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.evaluation.retrieval import retrieval
from tinyalm_distill.manifest import Clip, read_clips

pytestmark = pytest.mark.usefixtures("own_cache")


class Deaf(ToneTeacher):
    """Takes every word for the next one."""

    name = "deaf"

    def embed_text(self, texts):
        return np.roll(super().embed_text(texts), 1, axis=1)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return make_sounds(tmp_path / "sounds", per_word=4)


@pytest.fixture
def captions(manifest: Path) -> Path:
    """The manifest with two captions a clip; clips of one tone share theirs but for a number."""
    rows = []
    for clip in read_clips(str(manifest)):
        number = clip.file.stem[-1]
        several = [f"{clip.labels[0]} n{number}", f"n{number} {clip.labels[0]} {clip.labels[0]}"]
        rows.append([clip.file.name, "|".join(several)])
    path = manifest.with_name("captions.csv")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "caption"], *rows])
    return path


def test_a_teacher_and_a_bundle_that_hear_the_same_retain_everything(
    manifest: Path, bundle: Path
) -> None:
    clips = read_clips(str(manifest))
    teacher = zero_shot(TeacherEmbedder(ToneTeacher()), clips)
    made = result(zero_shot(BundleEmbedder(bundle), clips), teacher)
    assert (made.measure, made.model, made.against) == ("zero-shot", "tones.tinyalm", "tones")
    assert (made.clips, made.facts["labels"]) == (16, 4)
    for name in ("top-1", "top-5", "macro top-1", "mAP"):
        assert made.figures[name].value == 1.0
        assert made.figures[name].against.value == 1.0
        assert made.figures[name].retention.value == 1.0
    assert made.figures["cosine"].value > 0.95


def test_a_teacher_that_hears_something_else_shows(manifest: Path) -> None:
    clips = read_clips(str(manifest))
    right, wrong = (zero_shot(TeacherEmbedder(t()), clips) for t in (ToneTeacher, Deaf))
    figures = result(wrong, right).figures
    assert figures["top-1"].value < 0.3
    assert figures["top-1"].retention.value < 0.3
    assert figures["cosine"].value == pytest.approx(1.0)


def test_models_are_compared_on_the_clips_that_both_could_use(manifest: Path) -> None:
    class Picky(ToneTeacher):
        name = "picky"

        def embed_audio(self, waveforms, sample_rate):
            if waveforms[0].size < 0.5 * sample_rate:  # the first clip of each word
                raise AudioError("too short")
            return super().embed_audio(waveforms, sample_rate)

    clips = read_clips(str(manifest))
    mine, theirs = (zero_shot(TeacherEmbedder(t()), clips) for t in (ToneTeacher, Picky))
    assert result(mine).clips == 16
    compared = result(mine, theirs)
    assert compared.clips == 12
    assert compared.skipped == ["too short"]  # four clips, said once
    assert compared.figures["top-1"].value == compared.figures["top-1"].against.value == 1


def test_several_labels_a_clip_and_labels_that_never_apply(manifest: Path) -> None:
    clips = [
        Clip(file=c.file, labels=(*c.labels, "squeak")) if "hum" in c.labels else c
        for c in read_clips(str(manifest))
    ]
    made = result(zero_shot(TeacherEmbedder(ToneTeacher()), clips, labels=list(WORDS)))
    assert made.figures["top-1"].value == 1  # any of them will do
    assert made.facts["clips with several labels"] == 4
    assert made.facts["labels"] == len(WORDS)


def test_prompts_are_averaged() -> None:
    embedder = TeacherEmbedder(ToneTeacher())
    plain, other = (embed_labels(embedder, ["hum"], [t])[0] for t in ("{}", "{} and buzz"))
    both = embed_labels(embedder, ["hum"], ["{}", "{} and buzz"])[0]
    assert np.linalg.norm(both) == pytest.approx(1)
    assert both @ plain == pytest.approx(both @ other, abs=1e-6)
    assert (embed_labels(embedder, ["hum"], [])[0] == plain).all()  # its own prompt


def test_what_was_heard_is_not_heard_again(manifest: Path) -> None:
    teacher = ToneTeacher()
    sounds = [Whole(clip) for clip in read_clips(str(manifest))]
    first = hear(TeacherEmbedder(teacher), sounds)
    assert teacher.heard == 16
    again = hear(TeacherEmbedder(teacher), sounds)
    assert teacher.heard == 16
    assert (again.rows == first.rows).all()
    # A recording that has changed is.
    sounds[0].clip.file.write_bytes(sounds[1].clip.file.read_bytes())
    hear(TeacherEmbedder(teacher), sounds)
    assert teacher.heard == 32
    # And so it is by another model.
    teacher.revision = "2"
    hear(TeacherEmbedder(teacher), sounds)
    assert teacher.heard == 48


def test_bad_clips_are_skipped_with_their_reasons(manifest: Path) -> None:
    clips = [Clip(file=Path("gone.wav"), labels=("hum",)), *read_clips(str(manifest))]
    made = result(zero_shot(TeacherEmbedder(ToneTeacher()), clips))
    assert made.clips == 16
    assert made.figures["top-1"].value == 1
    assert len(made.skipped) == 1
    assert "gone.wav" in made.skipped[0]


def test_clips_that_cannot_be_measured_are_an_error() -> None:
    embedder = TeacherEmbedder(ToneTeacher())
    with pytest.raises(DataError, match="column 'label'"):
        zero_shot(embedder, [Clip(file=Path("a.wav"))])
    with pytest.raises(DataError, match="column 'caption'"):
        retrieval(embedder, [Clip(file=Path("a.wav"), labels=("x",))])
    with pytest.raises(DataError, match=r"none of the 1 clips can be used; the first: a\.wav"):
        zero_shot(embedder, [Clip(file=Path("a.wav"), labels=("x",))])


def test_retrieval_over_several_captions(captions: Path, bundle: Path) -> None:
    clips = read_clips(str(captions))
    made = result(retrieval(BundleEmbedder(bundle), clips))
    assert (made.clips, made.facts["captions"]) == (16, 32)
    # Four clips of each tone: a caption's own is among the first five, seldom the very first.
    assert made.figures["text-to-audio R@5"].value > 0.8
    assert made.figures["text-to-audio R@1"].value < 0.6
    assert made.figures["audio-to-text R@10"].value > 0.9
    wrong = result(retrieval(TeacherEmbedder(Deaf()), clips))
    assert wrong.figures["text-to-audio R@5"].value < 0.3


def test_the_command_prints_json(manifest: Path, bundle: Path) -> None:
    arguments = ["zero-shot", "--manifest", str(manifest), "--bundle", str(bundle), "--json"]
    ran = CliRunner().invoke(evaluate, [*arguments, "--split", "dev"])
    assert ran.exit_code == 0, ran.output
    made = json.loads(ran.stdout)
    assert made["clips"] == 4
    top = made["figures"]["top-1"]
    assert top == {"value": 1.0, "low": 1.0, "high": 1.0, "against": None, "retention": None}
    text = CliRunner().invoke(evaluate, [*arguments[:-1], "--template", "n1 {}"]).stdout
    assert "top-1        1.000 [1.000, 1.000]" in text
    assert "templates: n1 {}" in text


def test_the_command_compares_with_another_bundle(
    captions: Path, bundle: Path, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "other.tinyalm", name="other")
    ran = tinyalm(
        "eval", "retrieval", "--manifest", captions, "--bundle", bundle, "--against", other
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "retrieval: 16 clips against other.tinyalm"
    assert lines[1].split() == ["tones.tinyalm", "other.tinyalm", "retention"]
    assert lines[2].endswith("1.000 [1.000, 1.000]")


def test_a_shipped_student_goes_by_its_name(manifest: Path) -> None:
    args = ["zero-shot", "--manifest", str(manifest), "--bundle", "micro", "--against", "micro"]
    ran = CliRunner().invoke(evaluate, args)
    assert ran.exit_code == 0, ran.output
    assert "micro.tinyalm" in ran.output
    assert "1.000 [1.000, 1.000]" in ran.output


@pytest.mark.parametrize("models", [[], ["--bundle", "a", "--teacher", "b"]])
def test_the_command_wants_one_model(manifest: Path, models: list[str]) -> None:
    ran = CliRunner().invoke(evaluate, ["zero-shot", "--manifest", str(manifest), *models])
    assert ran.exit_code == 2
    assert "name one of --bundle and --teacher" in ran.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zero-shot", "--template", "no place"], "must hold {} once"),
        (["zero-shot", "--against", "nobody"], "no teacher named 'nobody'"),
        (["retrieval"], "the manifest has no captions (column 'caption')"),
        (["probe", "--test", "gone"], "test split 'gone': it and another one must have clips"),
        (["calibration", "--split", "gone"], "no clips of split 'gone'"),
    ],
)
def test_what_cannot_be_measured_ends_in_one_line(
    manifest: Path, bundle: Path, arguments: list[str], message: str
) -> None:
    ran = tinyalm("eval", *arguments, "--manifest", manifest, "--bundle", bundle)
    assert ran.returncode == 2
    bars = "hears"  # progress is on standard error, too
    assert message in one_line("\n".join(x for x in ran.stderr.splitlines() if bars not in x))
