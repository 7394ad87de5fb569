import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from tests.distill.sounds import make_sounds
from tests.export.students import save_checkpoint
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.embedders import TeacherEmbedder
from tinyalm_distill.evaluation.finetune import FineTuning, fine_tune
from tinyalm_distill.evaluation.folds import deal, make_folds
from tinyalm_distill.evaluation.logistic import fit
from tinyalm_distill.evaluation.probe import probe
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.manifest import Clip, read_clips

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Five tones of each of four words; the last of each is of the split ``dev``."""
    return make_sounds(tmp_path / "sounds", per_word=5)


def clips(*splits: str, files: int | None = None) -> list[Clip]:
    return [
        Clip(file=Path(f"{i % (files or 1000)}.wav"), labels=("ab"[i % 2],), split=split)
        for i, split in enumerate(splits)
    ]


def data(classes: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, classes, 90)
    return draw.normal(size=(90, 6)) + 0.8 * truth[:, None], truth


@pytest.mark.parametrize("l2", [1.0, 0.01])
def test_the_multinomial_regression_is_sklearns(l2: float) -> None:
    inputs, truth = data(3)
    peer = LogisticRegression(C=1 / (90 * l2), tol=1e-8, max_iter=5000).fit(inputs, truth)
    found = fit(inputs, np.eye(3, dtype=bool)[truth], l2, several=False)
    assert np.abs(found.weight.T - peer.coef_).max() < 1e-4
    assert found.bias - found.bias.mean() == pytest.approx(
        peer.intercept_ - peer.intercept_.mean(), abs=1e-4
    )
    assert (found(inputs).argmax(axis=1) == peer.predict(inputs)).all()


def test_labels_of_their_own_are_sklearns_one_by_one() -> None:
    inputs, truth = data(3)
    relevant = np.stack([truth > 0, truth == 1], axis=1)
    found = fit(inputs, relevant, 0.1, several=True)
    for label in (0, 1):
        peer = LogisticRegression(C=1 / 9, tol=1e-8, max_iter=5000).fit(inputs, relevant[:, label])
        assert found.weight[:, label] == pytest.approx(peer.coef_[0], abs=1e-4)
        assert found.bias[label] == pytest.approx(peer.intercept_[0], abs=1e-4)


def test_where_it_starts_does_not_matter() -> None:
    inputs, truth = data(3)
    relevant = np.eye(3, dtype=bool)[truth]
    first = fit(inputs, relevant, 1e-3, several=False)
    again = fit(inputs, relevant, 1e-2, several=False, start=first)
    assert again.weight == pytest.approx(
        fit(inputs, relevant, 1e-2, several=False).weight, abs=1e-3
    )


def test_splits_are_folds() -> None:
    given = clips("1", "2", "3", "1")
    folds = make_folds(given)
    assert [test.tolist() for _, test in folds] == [[0, 3], [1], [2]]
    assert [train.tolist() for train, _ in folds] == [[1, 2], [0, 2, 3], [0, 1, 3]]
    ((train, test),) = make_folds(given, "2")
    assert (train.tolist(), test.tolist()) == ([0, 2, 3], [1])


def test_without_splits_whole_files_are_dealt_evenly() -> None:
    given = clips(*[""] * 60, files=30)  # each file twice, labels in turn
    folds = make_folds(given, count=5)
    assert sorted(n for _, test in folds for n in test) == list(range(60))
    for train, test in folds:
        assert not {given[i].file for i in train} & {given[i].file for i in test}
        assert [given[i].labels for i in test].count(("a",)) == 6
    assert (deal(given, 5) == deal(given, 5)).all()


@pytest.mark.parametrize(
    ("given", "test"), [(clips("a", "b"), "c"), (clips("a", "a"), "a"), (clips("", ""), None)]
)
def test_folds_that_cannot_be_made_are_an_error(given: list[Clip], test: str | None) -> None:
    with pytest.raises(ConfigError, match=r"test split|cannot be dealt"):
        make_folds(given, test)


def test_a_probe_learns_what_words_do_not_say(manifest: Path) -> None:
    class Mumbling(ToneTeacher):
        """Hears well and has no words for it."""

        def embed_text(self, texts):
            return np.full((len(texts), self.dim), self.dim**-0.5, np.float32)

    made = result(probe(TeacherEmbedder(Mumbling()), read_clips(str(manifest)), test="dev"))
    assert (made.measure, made.clips, made.facts["folds"]) == ("probe", 4, 1)
    assert made.figures["top-1"].value == 1
    assert made.figures["mAP"].value == 1


def test_the_probe_is_tested_outside_its_training(tmp_path: Path) -> None:
    class Noise(ToneTeacher):
        """Tells every recording from every other, and nothing about its label."""

        name = "noise"

        def embed_audio(self, waveforms, sample_rate):
            assert sample_rate == self.sample_rate
            seeds = [int(1e6 * abs(w[:100]).sum()) for w in waveforms]
            rows = np.stack([np.random.default_rng(s).normal(size=64) for s in seeds])
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("f4")

    manifest = make_sounds(tmp_path / "many", per_word=10)
    given = [Clip(file=c.file, labels=c.labels) for c in read_clips(str(manifest))]
    made = result(probe(TeacherEmbedder(Noise()), given, count=4))
    assert (made.clips, made.facts["folds"]) == (40, 4)
    assert made.figures["top-1"].value < 0.6  # four labels; fitted to its own clips it has 1.0


def test_labels_that_are_never_trained_on_are_left_out(manifest: Path) -> None:
    given = read_clips(str(manifest))
    strange = Clip(file=given[-1].file, labels=("unheard",), split="dev")
    made = result(probe(TeacherEmbedder(ToneTeacher()), [*given, strange], test="dev"))
    assert made.clips == 4
    assert made.facts["left out, of labels never trained on"] == 1
    alone = [*(c for c in given if c.split == "train"), strange]
    with pytest.raises(DataError, match="nothing to test"):
        probe(TeacherEmbedder(ToneTeacher()), alone, test="dev")


def test_the_probe_takes_several_labels(manifest: Path) -> None:
    given = [
        Clip(file=c.file, labels=(*c.labels, "low"), split=c.split)
        if c.labels[0] in ("hum", "buzz")
        else c
        for c in read_clips(str(manifest))
    ]
    made = result(probe(TeacherEmbedder(ToneTeacher()), given, test="dev"))
    assert made.facts["labels"] == 5
    assert made.figures["mAP"].value == 1


def test_fine_tuning_teaches_a_random_tower(tmp_path: Path) -> None:
    checkpoint, manifest = save_checkpoint(tmp_path / "tiny"), make_sounds(tmp_path / "few")
    weights = (checkpoint / "student.safetensors").read_bytes()
    how = FineTuning(epochs=8, batch_size=4, learning_rate=3e-3)
    made = result(fine_tune(checkpoint, read_clips(str(manifest)), test="dev", how=how))
    assert (made.measure, made.model, made.clips) == ("finetune", "tiny", 4)
    assert made.figures["top-1"].value == 1
    assert (checkpoint / "student.safetensors").read_bytes() == weights


def test_a_fold_that_is_done_is_kept(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "tiny")
    given = read_clips(str(make_sounds(tmp_path / "few", per_word=2)))
    how = FineTuning(epochs=1)
    first = fine_tune(checkpoint, given, how=how)
    kept = sorted((tmp_path / "cache/distill/fine-tuned").iterdir())
    assert len(kept) == 2
    stamps = [file.stat().st_mtime_ns for file in kept]
    kept[1].unlink()  # as if it had been killed in the second fold
    again = fine_tune(checkpoint, given, how=how)
    assert result(again).figures == result(first).figures
    assert kept[0].stat().st_mtime_ns == stamps[0]
    assert kept[1].stat().st_mtime_ns > stamps[1]
    fine_tune(checkpoint, given, how=FineTuning(epochs=1, seed=1))
    assert len(list((tmp_path / "cache/distill/fine-tuned").iterdir())) == 4


def test_settings_that_cannot_be_trained_are_refused() -> None:
    with pytest.raises(ConfigError, match="epochs"):
        FineTuning(epochs=0)


def test_the_commands(manifest: Path, bundle: Path, tmp_path: Path) -> None:
    arguments = ["probe", "--manifest", str(manifest), "--bundle", str(bundle), "--test", "dev"]
    made = json.loads(CliRunner().invoke(evaluate, [*arguments, "--json"]).stdout)
    assert made["figures"]["top-1"]["value"] == 1
    assert "top-1        1.000" in CliRunner().invoke(evaluate, arguments).stdout
    checkpoint = save_checkpoint(tmp_path / "tiny")
    unsplit = manifest.with_name("unsplit.csv")
    with manifest.open(newline="") as source, unsplit.open("w", newline="") as target:
        csv.writer(target).writerows(row[:2] for row in csv.reader(source))
    arguments = ["finetune", "--manifest", str(unsplit), "--folds", "2", "--epochs", "1"]
    ran = CliRunner().invoke(evaluate, [*arguments, "--checkpoint", str(checkpoint), "--json"])
    assert ran.exit_code == 0, ran.output
    made = json.loads(ran.stdout)
    assert (made["clips"], made["facts"]["folds"]) == (20, 2)
