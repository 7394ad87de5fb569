"""From cosine to probability."""

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import Calibration
from tinyalm.platt import fit_logistic

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
    if min(applies.sum(), (~applies).sum()) < _LEAST:
        return None
    scale, bias = fit_logistic(cosines, applies)
    return None if scale <= 0 else Calibration(scale=scale, bias=bias, pairs=len(cosines))
