import math

import numpy as np
import pytest

from tinyalm.platt import fit_logistic


@pytest.mark.parametrize("count", [1, 4, 50])
def test_separable_scores_by_hand(count):
    # The targets are (n + 1) / (n + 2) and 1 / (n + 2), which the logistic function of
    # scale * score meets at scores of 1 and -1 where scale is ln(n + 1).
    scores = np.repeat([1.0, -1.0], count)
    scale, bias = fit_logistic(scores, scores > 0)
    assert scale == pytest.approx(math.log(count + 1), rel=1e-6)
    assert bias == pytest.approx(0, abs=1e-6)


def test_many_negatives_do_not_move_even_odds():
    scores = np.concatenate([np.full(5, 3.0), np.full(5000, 1.0)])
    scale, bias = fit_logistic(scores, scores > 2)
    assert scale * 3 + bias == pytest.approx(math.log(6), rel=1e-3)
    assert scale * 1 + bias == pytest.approx(-math.log(5001), rel=1e-3)


def test_scores_that_say_the_opposite_have_a_negative_scale():
    scale, _ = fit_logistic(np.array([0.0, 0.1, 1.0, 1.1]), np.array([True, True, False, False]))
    assert scale < 0


def test_equal_scores_are_even_odds():
    scale, bias = fit_logistic(np.full(6, 0.3), np.arange(6) < 3)
    assert scale * 0.3 + bias == pytest.approx(0, abs=1e-6)
