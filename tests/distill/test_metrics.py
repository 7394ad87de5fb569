import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyalm_distill.calibration import fit_calibration
from tinyalm_distill.metrics import Interval, bootstrap, mean_average_precision, top_k


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
    assert mean_average_precision(similarity, relevant) == pytest.approx((1 + 2 / 3) / 2)
    # All tied: precision at the one rank that there is.
    assert mean_average_precision(similarity * 0, relevant) == pytest.approx(0.5)


@given(st.integers(0, 1000))
def test_average_precision_equals_its_definition(seed: int) -> None:
    draw = np.random.default_rng(seed)
    similarity = draw.choice([0.1, 0.2, 0.3, 0.4, 0.5], size=(12, 3)).astype("f4")
    relevant = draw.random((12, 3)) < 0.3
    relevant[0] = True
    values = []
    for column in range(3):
        total, before = 0.0, 0.0
        for threshold in sorted(set(similarity[:, column].tolist()), reverse=True):
            chosen = similarity[:, column] >= threshold
            recall = relevant[chosen, column].sum() / relevant[:, column].sum()
            total += (recall - before) * relevant[chosen, column].mean()
            before = recall
        values.append(total)
    assert mean_average_precision(similarity, relevant) == pytest.approx(np.mean(values))


def test_the_bootstrap_covers_the_mean_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap(lambda rows: float(values[rows].mean()), 400)
    assert interval.value == pytest.approx(values.mean())
    error = values.std() / 20
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_the_interval_holds_the_value_where_resampling_is_biased() -> None:
    # The number of distinct values: every resample has fewer.
    values = np.random.default_rng(0).random(50)
    interval = bootstrap(lambda rows: float(len(set(values[rows].tolist()))), 50)
    assert interval.value == 50
    assert interval.low < 50 < interval.high


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
