"""Embeddings of everyday sounds, kept in a bundle for learned labels to be told from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import BundleError
from tinyalm.results import unit_length

FILE = "background.npy"
ROWS = 1000  # docs/adapters.md: what fewer cost


def background(embeddings: NDArray[np.float32]) -> NDArray[np.int8]:
    """Embeddings as the 8-bit rows that a bundle keeps.

    A row is scaled to its largest value: embeddings have length 1, which need not be kept.

    Args:
        embeddings: (n, dim) float32, best one of each of many recordings.

    Returns:
        (n, dim) int8.
    """
    peaks = np.maximum(np.abs(embeddings).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(np.rint(embeddings * (127 / peaks)), np.int8)


def write_background(folder: Path, embeddings: NDArray[np.float32]) -> str:
    """Write a bundle's background into ``folder``; the file's name, for its manifest."""
    np.save(folder / FILE, background(embeddings), allow_pickle=False)
    return FILE


def read_background(path: Path, dim: int) -> NDArray[np.float32]:
    """Read what `write_background` wrote.

    Returns:
        (n, dim) float32, unit length.

    Raises:
        BundleError: it is damaged, or of another size than ``dim``.
    """
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise BundleError(f"{path}: not a background ({reason}); export the bundle again") from None
    if not isinstance(rows, np.ndarray) or rows.dtype != np.int8 or rows.shape[1:] != (dim,):
        raise BundleError(f"{path}: not 8-bit rows of {dim} numbers; export the bundle again")
    return unit_length(rows.astype(np.float32))
