"""Embeddings as int8.

An embedding has length 1, so that its direction is all that needs keeping: each row is scaled until
its largest number is 127, and scaled back to length 1 when it is read. No scale is stored.
"""

import numpy as np
from numpy.typing import NDArray

from tinyalm.results import unit_length

_LARGEST = 127


def to_int8(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """(n, dim) float32 to (n, dim) int8 in the same directions; zeros stay."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    scale = _LARGEST / np.where(largest > 0, largest, 1)
    return np.rint(rows * scale).astype(np.int8)


def to_float(rows: NDArray[np.int8]) -> NDArray[np.float32]:
    """(n, dim) int8 to (n, dim) float32 of unit length."""
    return unit_length(rows.astype(np.float32))
