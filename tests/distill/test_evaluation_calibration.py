import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from tests.distill.sounds import make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.bootstrap import bootstrap
from tinyalm_distill.evaluation.calibration import (
    brier,
    calibration,
    calibration_error,
    reliability,
    thresholds,
)
from tinyalm_distill.evaluation.embedders import BundleEmbedder, TeacherEmbedder
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.manifest import read_clips

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return make_sounds(tmp_path / "sounds", per_word=6)


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 300 clips and 2 labels that say too much, half of the pairs true."""
    draw = np.random.default_rng(seed)
    truth = draw.permutation(600) < 300
    scores = 1 / (1 + np.exp(-draw.normal(np.where(truth, 1.5, -1.5), 2.5)))
    return scores.reshape(300, 2), truth.reshape(300, 2)


def test_ece_and_reliability_are_sklearns_over_quantiles() -> None:
    scores, truth = drawn()
    applies, score = calibration_curve(
        truth.ravel(), scores.ravel(), n_bins=15, strategy="quantile"
    )
    bins = reliability(scores, truth)  # at even odds, and half of these pairs are true
    assert [one.score for one in bins] == pytest.approx(score, abs=1e-9)
    assert [one.applies for one in bins] == pytest.approx(applies, abs=1e-9)
    wanted = np.abs(applies - score).mean()  # 600 pairs, 40 in each bin
    assert bootstrap(calibration_error(scores, truth), 300).value == pytest.approx(wanted)


def test_ece_by_hand() -> None:
    # Two scores: of 0.2 one pair in two is true, of 0.9 all are. Even odds: true pairs weigh 1/6,
    # false ones 1/2. Bins: 0.2 with mass 2/3, of which 1/6 is true; 0.9 with mass 1/3, all true.
    scores = np.array([[0.2], [0.2], [0.9], [0.9]])
    truth = np.array([[True], [False], [True], [True]])
    error = abs((1 / 6 + 1 / 2) * 0.2 - 1 / 6) + abs(1 / 3 * 0.9 - 1 / 3)
    assert bootstrap(calibration_error(scores, truth), 4).value == pytest.approx(error)
    assert [one.applies for one in reliability(scores, truth)] == pytest.approx([0.25, 1])


def test_brier_is_sklearns_at_even_odds() -> None:
    draw = np.random.default_rng(1)
    scores, truth = draw.random((50, 4)), draw.random((50, 4)) < 0.1
    weights = np.where(truth, 1 / truth.sum(), 1 / (~truth).sum())
    wanted = brier_score_loss(truth.ravel(), scores.ravel(), sample_weight=weights.ravel())
    assert bootstrap(brier(scores, truth), 50).value == pytest.approx(wanted)


def test_resampling_clips_is_counting_them_again() -> None:
    scores, truth = drawn()
    counts = np.random.default_rng(2).multinomial(300, np.full(300, 1 / 300))
    rows = np.repeat(np.arange(300), counts)
    again = bootstrap(brier(scores[rows], truth[rows]), 300).value
    assert brier(scores, truth)(counts[None] * 1.0)[0] == pytest.approx(again)
    perfect = truth * 1.0
    assert calibration_error(perfect, truth)(counts[None] * 1.0)[0] == pytest.approx(0)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3])
def test_thresholds_keep_false_alarms_rare_and_no_rarer(rate: float) -> None:
    scores, truth = drawn()
    truth[:, 1] = True  # of this label there is no clip without it
    chosen = thresholds(scores, truth, rate)
    negatives = scores[~truth[:, 0], 0]
    assert (negatives >= chosen[0]).mean() <= rate
    assert (negatives >= np.nextafter(chosen[0], 0)).sum() == int(rate * negatives.size) + 1
    assert np.isinf(chosen[1])


def test_a_bundle_by_its_own_scores(manifest: Path, bundle: Path) -> None:
    clips = read_clips(str(manifest))
    mine, theirs = (
        calibration(embedder, clips, false_alarms=0.1)
        for embedder in (BundleEmbedder(bundle), TeacherEmbedder(ToneTeacher()))
    )
    made = result(mine, theirs)
    assert made.figures["found"].value == 1
    assert made.figures["found"].retention.value == 1
    assert made.figures["ECE"].value < 0.05  # it says 0.99 and 0.01, and is right
    assert made.figures["ECE"].retention is None
    assert made.facts["thresholds"].keys() == {"hum", "buzz", "horn", "beep"}
    assert made.notes == []
    assert result(theirs).notes == ["not calibrated: its scores are cosines"]
    assert made.figures["Brier"].value < made.figures["Brier"].against.value


def test_the_command_draws(manifest: Path, bundle: Path, tmp_path: Path) -> None:
    picture = tmp_path / "reliability.png"
    arguments = ["--manifest", str(manifest), "--bundle", str(bundle), "--png", str(picture)]
    ran = CliRunner().invoke(evaluate, ["calibration", *arguments, "--json"])
    assert ran.exit_code == 0, ran.output
    made = json.loads(ran.stdout)
    assert 0 < made["facts"]["thresholds"]["hum"] < 1
    assert made["facts"]["reliability"][-1]["applies"] == 1
    assert picture.read_bytes().startswith(b"\x89PNG")
