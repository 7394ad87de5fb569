"""One window's embedding against every label: the numbers that thresholds are compared with."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters import Attached, learned_of, residual_of
from tinyalm.bundle import Calibration
from tinyalm.labels import LabelEmbeddings
from tinyalm.scoring import probability


class WindowScorer:
    """Scores windows as `tinyalm.scoring.score` does, but every label and no ranking.

    Args:
        asked: the labels.
        calibration: turns their cosines into probabilities.
        attached: adapters; learned labels are asked, too.
        refused: which windows, (n, dim), may not be answered for, (n,); all scores are then 0.

    Attributes:
        labels: n of them: those asked, then those learned.
        thresholds: (n,) float64, scores below which a label is not answered; NaN for none.
    """

    def __init__(
        self,
        asked: LabelEmbeddings,
        calibration: Calibration | None,
        attached: Attached,
        refused: Callable[[NDArray[np.float32]], NDArray[np.bool_]] | None = None,
    ) -> None:
        self._asked, self._calibration, self._refused = asked, calibration, refused
        self._residual, self._learned = residual_of(attached), learned_of(attached)
        self.labels = [*asked.labels, *(label for one in self._learned for label in one.labels)]
        own = np.full(len(asked.labels), np.nan)
        if asked.thresholds is not None:
            own = probability(asked.thresholds, calibration)
        learned = [one.probability(one.thresholds) for one in self._learned]
        self.thresholds = np.concatenate([own, *learned])

    def __call__(self, heard: NDArray[np.float32]) -> NDArray[np.float64]:
        """The scores of a window, (n,) float64 in [0, 1].

        Args:
            heard: (dim,) float32, the student's embedding of it.
        """
        if self._refused is not None and self._refused(heard[None])[0]:
            return np.zeros(len(self.labels))
        moved = heard if self._residual is None else self._residual(heard[None])[0]
        scores = [probability(self._asked.embeddings @ moved, self._calibration)]
        scores += [one.probability(one.embeddings @ heard) for one in self._learned]
        return np.concatenate(scores)
