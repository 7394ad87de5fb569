"""Residual maps: a frozen student's embeddings, moved towards a new domain."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters.file import EncoderInfo
from tinyalm.results import unit_length


@dataclass(frozen=True, slots=True, eq=False)
class ResidualMap:
    """``e' = normalise(e + up @ relu(down @ e))``, CLIP-Adapter (arXiv:2110.04544, eq. 3 and 4).

    Attributes:
        name: of the adapter.
        encoder: whose embeddings it was trained on.
        down: (rank, dim) float32.
        up: (dim, rank) float32.
        metrics: what was measured when it was made.
    """

    name: str
    encoder: EncoderInfo
    down: NDArray[np.float32]
    up: NDArray[np.float32]
    metrics: dict[str, float] = field(default_factory=dict)

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move embeddings, (n, dim) float32 of unit length, each by itself; the same shape."""
        # Row by row, since a matrix product rounds a row differently with others beside it.
        moved = [row + self.up @ np.maximum(self.down @ row, 0) for row in embeddings]
        return unit_length(np.array(moved, np.float32).reshape(embeddings.shape))
