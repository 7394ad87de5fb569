"""Zero-shot metrics with bootstrap intervals."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_RESAMPLES = 1000


class Interval(Struct, frozen=True):
    """A figure and the 95 % interval of the bootstrap over clips; see `bootstrap`."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in ``0.412 [0.380, 0.446]``."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def top_k(
    similarity: NDArray[np.float32], relevant: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """Whether each clip has a label that applies among its ``k`` best; ties count against it.

    Args:
        similarity: (clips, labels).
        relevant: (clips, labels) whether the label applies.
        k: how many of the best count.

    Returns:
        (clips,) of 0 and 1.
    """
    best = np.where(relevant, similarity, -np.inf).max(axis=1)
    above = ((similarity >= best[:, None]) & ~relevant).sum(axis=1)
    return np.asarray(above < k, dtype=np.float64)


def mean_average_precision(similarity: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """Average precision of each label over the clips, averaged over labels that occur.

    Average precision is the sum over ranks of (recall step) * precision, as in
    sklearn.metrics.average_precision_score; equal similarities share one rank.
    """
    values = []
    for column in np.flatnonzero(relevant.any(axis=0)):
        order = np.argsort(-similarity[:, column], kind="stable")
        scores, hits = similarity[order, column], relevant[order, column]
        last_of_tie = np.append(scores[1:] != scores[:-1], True)
        found = np.cumsum(hits)[last_of_tie]
        precision = found / (np.flatnonzero(last_of_tie) + 1)
        values.append(float((np.diff(found, prepend=0) * precision).sum() / hits.sum()))
    return float(np.mean(values))


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], clips: int, *, seed: int = 0
) -> Interval:
    """``statistic`` of all clips and its interval over resampled ones, less their bias.

    Clips that are drawn twice make average precision larger than it is on distinct clips, so the
    percentiles are moved by what the resampled mean differs from the value (Efron & Tibshirani
    1993, 10.3).

    Args:
        statistic: of the clips whose numbers, (clips,), it is given; NaN where undefined.
        clips: how many there are.
        seed: of the resampling.
    """
    draw = np.random.default_rng(seed)
    value = statistic(np.arange(clips))
    resampled = [statistic(draw.integers(clips, size=clips)) for _ in range(_RESAMPLES)]
    defined = [one for one in resampled if not np.isnan(one)] or [np.nan]
    bias = float(np.mean(defined)) - value
    low, high = np.percentile(defined, [2.5, 97.5]) - bias
    return Interval(value, float(low), float(high))
