"""Learned labels: what a few recordings of a sound leave behind."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters.file import EncoderInfo


@dataclass(frozen=True, slots=True, eq=False)
class LearnedLabels:
    """Labels that were learned from recordings; each is a direction and its own calibration.

    They are scored as texts are: by the cosine to a vector, and by what a calibration makes of it.
    Nothing else of the recordings is kept.

    Attributes:
        name: of the set; attaching another of the same name replaces it.
        encoder: whose embeddings it was learned on.
        labels: n labels.
        examples: recordings that each was learned from.
        false_alarm: share of other sounds that any of the labels was to be answered for, at most.
        embeddings: (n, dim) float32, unit length.
        scale: (n,) float32, above 0.
        bias: (n,) float32.
        thresholds: (n,) float32, the cosine below which a label is not answered.
    """

    name: str
    encoder: EncoderInfo
    labels: list[str]
    examples: list[int]
    false_alarm: float
    embeddings: NDArray[np.float32]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    thresholds: NDArray[np.float32]

    def probability(self, cosines: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cosines, (n,), to the probability at even odds that each label applies.

        ``1 / (1 + exp(-(scale * cosine + bias)))``, as a bundle's calibration has it.
        """
        # The logistic function as a tanh, which does not overflow.
        logits = self.scale * cosines.astype(np.float64) + self.bias
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))
