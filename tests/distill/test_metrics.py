from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from tinyalm_distill.calibration import fit_calibration
from tinyalm_distill.evaluation.bootstrap import Draws, Interval, Statistic, bootstrap
from tinyalm_distill.evaluation.metrics import (
    average_precision_at,
    class_mean,
    mean,
    mean_average_precision,
    ranks,
    recall_at,
    share,
    top_k,
)
from tinyalm_distill.evaluation.retrieval import both_ways


def value(statistic: Statistic, clips: int) -> float:
    return bootstrap(statistic, clips).value


def repeated(statistic: Callable[[np.ndarray], float], counts: list[int]) -> float:
    """The figure of a data set in which clip i is there ``counts[i]`` times."""
    return statistic(np.repeat(np.arange(len(counts)), counts))


def test_top_k_by_hand() -> None:
    similarity = np.array([[0.9, 0.5, 0.1], [0.2, 0.3, 0.4], [0.5, 0.5, 0.1]], np.float32)
    relevant = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0]], bool)
    assert top_k(similarity, relevant, 1).tolist() == [1, 1, 0]  # a tie counts against
    assert top_k(similarity, relevant, 2).tolist() == [1, 1, 1]
    assert top_k(-similarity, relevant, 1).tolist() == [0, 1, 0]


def test_average_precision_by_hand() -> None:
    # One label; its clips rank first and third of four: (1/1 + 2/3) / 2.
    similarity = np.array([[0.9], [0.8], [0.7], [0.1]], np.float32)
    relevant = np.array([[1], [0], [1], [0]], bool)
    found = value(mean_average_precision(similarity, relevant), 4)
    assert found == pytest.approx((1 + 2 / 3) / 2)
    # All tied: precision at the one rank that there is.
    assert value(mean_average_precision(similarity * 0, relevant), 4) == pytest.approx(0.5)


@given(st.integers(0, 1000))
def test_average_precision_is_sklearns_on_every_resample(seed: int) -> None:
    draw = np.random.default_rng(seed)
    similarity = draw.choice([0.1, 0.2, 0.3, 0.4, 0.5], size=(12, 3)).astype("f4")
    relevant = draw.random((12, 3)) < 0.3
    relevant[0] = True
    counts = [1, *draw.multinomial(12, np.full(11, 1 / 11))]
    wanted = repeated(
        lambda rows: average_precision_score(relevant[rows], similarity[rows], average="macro"),
        counts,
    )
    weights = np.array([counts], float)
    assert mean_average_precision(similarity, relevant)(weights)[0] == pytest.approx(wanted)


def test_labels_that_no_clip_of_a_resample_has_are_left_out() -> None:
    similarity, relevant = np.eye(3, dtype="f4"), np.eye(3, dtype=bool)
    found = mean_average_precision(similarity, relevant)(np.array([[3.0, 0, 0], [0, 0, 0]]))
    assert found[0] == 1
    assert np.isnan(found[1])


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_the_mean_over_classes_is_sklearns_balanced_accuracy() -> None:
    draw = np.random.default_rng(0)
    truth, scores = draw.integers(0, 4, 60), draw.random((60, 5)).astype("f4")
    relevant = np.eye(5, dtype=bool)[truth]  # the fifth label never applies
    counts = draw.multinomial(60, np.full(60, 1 / 60)).tolist()
    wanted = repeated(
        lambda rows: balanced_accuracy_score(truth[rows], scores[rows].argmax(axis=1)), counts
    )
    found = class_mean(top_k(scores, relevant, 1), relevant)(np.array([counts], float))
    assert found[0] == pytest.approx(wanted)


def test_figures_equal_those_of_torchmetrics() -> None:
    # MultilabelAveragePrecision(5), then MulticlassAccuracy(5, top_k=k, average=a) for k of 1 and
    # 3 and a of micro and macro (torchmetrics 1.9).
    draw = np.random.default_rng(6)
    scores = draw.random((40, 5)).astype("f4")
    several = draw.random((40, 5)) < 0.3
    assert value(mean_average_precision(scores, several), 40) == pytest.approx(0.38857374)
    truth = draw.integers(0, 5, 40)
    scores[np.arange(40), truth] += 0.4
    one = np.eye(5, dtype=bool)[truth]
    for k, micro, macro in ((1, 0.6, 0.61004329), (3, 0.9, 0.91102451)):
        hits = top_k(scores, one, k)
        assert value(mean(hits), 40) == pytest.approx(micro)
        assert value(class_mean(hits, one), 40) == pytest.approx(macro)


def test_retrieval_equals_that_of_torchmetrics() -> None:
    # RetrievalHitRate(top_k=k) for k of 1, 5 and 10 both ways, and RetrievalMAP(top_k=10) for
    # captions as queries, which have one clip each; of exp(similarity), since torchmetrics takes
    # nothing below 0 for found (torchmetrics 1.9).
    draw = np.random.default_rng(5)
    owner = np.repeat(np.arange(12), 3)
    similarity = draw.normal(size=(12, 36)).astype("f4")
    similarity[owner, np.arange(36)] += 1
    figures = {name: value(one, 12) for name, one in both_ways(similarity, owner).items()}
    wanted = {
        "text-to-audio R@1": 0.194444,
        "text-to-audio R@5": 0.777778,
        "text-to-audio R@10": 1.0,
        "text-to-audio mAP@10": 0.430302,
        "audio-to-text R@1": 0.416667,
        "audio-to-text R@5": 0.75,
        "audio-to-text R@10": 0.916667,
    }
    for name, figure in wanted.items():
        assert figures[name] == pytest.approx(figure, abs=1e-6), name


def test_ranks_by_hand() -> None:
    similarity = np.array([[0.9, 0.8, 0.7, 0.6], [0.5, 0.5, 0.5, 0.1]], np.float32)
    relevant = np.array([[0, 1, 0, 1], [1, 0, 0, 0]], bool)
    found = ranks(similarity, relevant)
    assert found.tolist() == [[2, 4], [3, np.inf]]  # a tie counts against
    assert recall_at(found, 2).tolist() == [1, 0]
    # (1/2 + 2/4) / 2 relevant ones; 1/3 of one.
    assert average_precision_at(found, 10).tolist() == pytest.approx([0.5, 1 / 3])
    # Only what is found among the first three counts, over all that could have been.
    assert average_precision_at(found, 3).tolist() == pytest.approx([0.25, 1 / 3])


def test_captions_weigh_alike_and_go_with_their_clip() -> None:
    # The first clip has three captions, all found; the second has one, which is not.
    similarity = np.array([[0.9, 0.9, 0.9, 0.8], [0.1, 0.1, 0.1, 0.2]], np.float32)
    recall = both_ways(similarity, np.array([0, 0, 0, 1]))["text-to-audio R@1"]
    assert recall(np.array([[1.0, 1], [2, 0], [0, 2]])).tolist() == [0.75, 1, 0]


def test_the_bootstrap_covers_the_mean_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap(mean(values), 400).interval()
    assert interval.value == pytest.approx(values.mean())
    error = values.std() / 20
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_the_interval_holds_the_value_where_resampling_is_biased() -> None:
    # The number of distinct clips: every resample has fewer.
    interval = bootstrap(lambda weights: (weights > 0).sum(axis=1) * 1.0, 50).interval()
    assert interval.value == 50
    assert interval.low < 50 < interval.high


def test_ratios_are_paired() -> None:
    values = np.random.default_rng(0).random(100)
    mine, theirs = bootstrap(mean(values), 100), bootstrap(mean(2 * values), 100)
    ratio = mine.over(theirs).interval()
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    nothing = mine.over(Draws(0.0, np.zeros(1000))).interval()
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert share(values, values * 0)(np.ones((1, 100))) == pytest.approx(np.nan, nan_ok=True)


def test_calibration_recovers_the_curve_that_the_pairs_came_from() -> None:
    draw = np.random.default_rng(0)
    cosines = draw.uniform(-1, 1, 40000).astype("f4")
    applies = draw.random(40000) < 1 / (1 + np.exp(-(8 * cosines - 1)))
    odds = applies.mean() / (1 - applies.mean())
    fitted = fit_calibration(cosines, applies)
    assert fitted is not None
    assert fitted.scale == pytest.approx(8, rel=0.05)
    # Even odds of the two kinds shift the bias by the log of the odds in the pairs.
    assert fitted.bias == pytest.approx(-1 - np.log(odds), abs=0.1)
    assert fitted.pairs == 40000


def test_calibration_survives_pairs_that_are_told_apart_perfectly() -> None:
    cosines = np.array([0.1] * 50 + [0.6] * 50, np.float32)
    fitted = fit_calibration(cosines, cosines > 0.5)
    assert fitted is not None
    assert np.isfinite([fitted.scale, fitted.bias]).all()
    assert fitted.scale > 0


def test_calibration_refuses_to_guess() -> None:
    few = np.array([0.9, 0.8, 0.1, 0.2, 0.1, 0.3], np.float32)
    assert fit_calibration(few, few > 0.5) is None
    backwards = np.linspace(0, 1, 40, dtype=np.float32)
    assert fit_calibration(backwards, backwards < 0.5) is None
