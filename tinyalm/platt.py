"""From scores to probabilities."""

import numpy as np
from numpy.typing import NDArray

_STEPS = 100
_LONGEST_STEP = 5.0
_PRECISION = 1e-8


def fit_logistic(scores: NDArray[np.floating], applies: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit ``1 / (1 + exp(-(scale * score + bias)))`` by maximum likelihood (Platt 1999).

    Scores where it applies weigh as much together as those where it does not: what comes out is
    the probability at even odds.

    Args:
        scores: (n,).
        applies: (n,), at least one of either kind.

    Returns:
        ``scale`` and ``bias``; ``scale`` is not above 0 where higher scores do not go with what
        applies.
    """
    positive, negative = int(applies.sum()), int((~applies).sum())
    weights = np.where(applies, 0.5 / positive, 0.5 / negative)
    # Platt's targets, a little inside 0 and 1, keep separable scores from an infinite slope.
    targets = np.where(applies, (positive + 1) / (positive + 2), 1 / (negative + 2))
    middle, spread = float(scores.mean()), max(float(scores.std()), 1e-12)
    inputs = np.stack([(scores - middle) / spread, np.ones(len(scores))], axis=1)
    solution = np.zeros(2)
    for _ in range(_STEPS):  # Newton's method
        probability = 0.5 + 0.5 * np.tanh(0.5 * inputs @ solution)
        gradient = inputs.T @ (weights * (probability - targets))
        curvature = weights * probability * (1 - probability)
        hessian = (inputs * curvature[:, None]).T @ inputs + 1e-9 * np.eye(2)
        move = np.linalg.solve(hessian, gradient)
        move *= min(1.0, _LONGEST_STEP / float(np.abs(move).max() + 1e-12))
        solution -= move
        if float(np.abs(move).max()) < _PRECISION:
            break
    scale = float(solution[0]) / spread
    return scale, float(solution[1]) - scale * middle
