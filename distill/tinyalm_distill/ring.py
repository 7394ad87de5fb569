"""A choice among many that hardly changes when a few join or leave: multi-probe consistent hashing.

Appleton and O'Reilly 2015 (arXiv:1505.00062). All points lie on a ring. A number is hashed to
several places, its probes, and the point chosen is the one that follows nearest upon any of them.
A new point takes only what it is nearest to, 1 in n of the choices; all others stay as they were.
With one probe, points behind large gaps would be chosen most; with 8, nearly all are as often.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PROBES = 8
_GOLDEN = 0x9E3779B97F4A7C15


class Ring:
    """Points on a ring of 2^64 places."""

    def __init__(self, points: Sequence[int]) -> None:
        """Lay out the ``points``, each a random number of 64 bits."""
        placed = np.array(points, np.uint64)
        self._order = np.argsort(placed, kind="stable")
        self._places = placed[self._order]

    def nearest(self, numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The point that each number chooses, (n,) positions in ``points``.

        Args:
            numbers: (n,) random numbers.
        """
        steps = np.arange(1, _PROBES + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        probes = _scattered(numbers[:, None] + steps)
        following = np.searchsorted(self._places, probes) % self._places.size
        gaps = self._places[following] - probes  # around the ring: unsigned numbers wrap
        best = np.take_along_axis(following, gaps.argmin(axis=1)[:, None], axis=1)[:, 0]
        return np.asarray(self._order[best], np.int64)


def _scattered(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number's hash: the output function of SplitMix64 (Steele et al. 2014)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
