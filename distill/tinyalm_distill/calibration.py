"""From cosine to probability."""

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import Calibration

_LEAST = 5  # pairs of each kind, below which a fit says nothing


def fit_calibration(cosines: NDArray[np.float32], applies: NDArray[np.bool_]) -> Calibration | None:
    """Fit ``1 / (1 + exp(-(scale * cosine + bias)))`` by maximum likelihood (Platt 1999).

    Pairs where the label applies weigh as much together as those where it does not: the score is
    the probability at even odds, whatever the number of labels that a user asks for.

    Args:
        cosines: (pairs,) similarity of clip and label.
        applies: (pairs,) whether the label applies to the clip.

    Returns:
        None where there are fewer than 5 pairs of either kind, or where higher cosines do not go
        with labels that apply.
    """
    positive, negative = int(applies.sum()), int((~applies).sum())
    if min(positive, negative) < _LEAST:
        return None
    weights = np.where(applies, 0.5 / positive, 0.5 / negative)
    inputs = np.stack([cosines, np.ones_like(cosines)], axis=1).astype(np.float64)
    # Platt's targets, a little inside 0 and 1, keep separable pairs from an infinite slope.
    target = np.where(applies, (positive + 1) / (positive + 2), 1 / (negative + 2))
    solution = np.zeros(2)
    for _ in range(100):  # Newton's method
        probability = 1 / (1 + np.exp(-inputs @ solution))
        gradient = inputs.T @ (weights * (probability - target))
        curvature = weights * probability * (1 - probability)
        hessian = (inputs * curvature[:, None]).T @ inputs + 1e-9 * np.eye(2)
        move = np.linalg.solve(hessian, gradient)
        move *= min(1.0, 5.0 / float(np.abs(move).max() + 1e-12))
        solution -= move
        if float(np.abs(move).max()) < 1e-8:
            break
    if solution[0] <= 0:
        return None
    return Calibration(scale=float(solution[0]), bias=float(solution[1]), pairs=len(cosines))
