"""Intervals of the bootstrap over clips."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

RESAMPLES = 1000
_AT_ONCE = 50

# How often each clip counts, (resamples, clips), to the figure of each resample, (resamples,);
# NaN where it is undefined.
Statistic: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Interval(Struct, frozen=True):
    """A figure and the 95 % interval of the bootstrap over clips; see `Draws.interval`."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in ``0.412 [0.380, 0.446]``."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """A figure of all clips, and of every resample of them, (resamples,)."""

    value: float
    resampled: NDArray[np.float64]

    def interval(self) -> Interval:
        """The figure's 95 % interval, less the bias of resampling.

        Clips that are drawn twice make average precision larger than it is on distinct clips, so
        the percentiles are moved by what the resampled mean differs from the value (Efron &
        Tibshirani 1993, 10.3).
        """
        defined = self.resampled[np.isfinite(self.resampled)]
        if not defined.size:
            return Interval(self.value, float("nan"), float("nan"))
        bias = float(defined.mean()) - self.value
        low, high = np.percentile(defined, [2.5, 97.5]) - bias
        return Interval(self.value, float(low), float(high))

    def over(self, other: "Draws") -> "Draws":
        """This figure over ``other``, resample by resample; NaN where ``other`` is 0."""
        resampled = np.full_like(self.resampled, np.nan)
        np.divide(self.resampled, other.resampled, out=resampled, where=other.resampled != 0)
        return Draws(self.value / other.value if other.value else float("nan"), resampled)


def bootstrap(statistic: Statistic, clips: int, *, seed: int = 0) -> Draws:
    """``statistic`` of all clips and of resamples of them with replacement.

    Args:
        statistic: see `Statistic`.
        clips: how many there are.
        seed: of the resampling; figures with equal ``clips`` and ``seed`` are paired.
    """
    draw = np.random.default_rng(seed)
    value = float(statistic(np.ones((1, clips)))[0])
    even = np.full(clips, 1 / clips)
    parts = [
        statistic(draw.multinomial(clips, even, size=_AT_ONCE).astype(np.float64))
        for _ in range(RESAMPLES // _AT_ONCE)
    ]
    return Draws(value, np.concatenate(parts))
