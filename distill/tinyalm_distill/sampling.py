"""Cluster-balanced sampling: every kind of sound is heard as often, however many there are of it.

Kinds are clusters of teacher embeddings, so that no labels are needed (S-SONDO's balanced data
sampling): a corpus with a thousand footsteps and ten bells teaches both.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tinyalm.errors import ConfigError

_ITERATIONS = 100  # k-means settles long before
_BLOCK = 4096  # rows whose distances are computed at once


def cluster(embeddings: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int64]:
    """Group rows by k-means, from centres chosen by k-means++ (Arthur and Vassilvitskii 2007).

    Args:
        embeddings: (rows, dim) teacher embeddings.
        count: clusters, at least 1. Fewer come out where there are fewer different rows.
        seed: of the first centres; the same seed gives the same clusters.

    Returns:
        (rows,) int64, the number of each row's cluster, from 0 on with none left out.

    Raises:
        ConfigError: more clusters than rows, or none.
    """
    if not 1 <= count <= len(embeddings):
        raise ConfigError(
            f"{count} clusters of {len(embeddings)} embeddings: choose from 1 to {len(embeddings)}"
        )
    centres = _first_centres(embeddings, count, np.random.default_rng(seed))
    nearest = np.full(len(embeddings), -1)
    for _ in range(_ITERATIONS):
        before, nearest = nearest, _nearest(embeddings, centres)
        if np.array_equal(before, nearest):
            break
        for number in np.unique(nearest):
            centres[number] = embeddings[nearest == number].mean(axis=0)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)


def cluster_weights(clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each row is drawn so that every cluster is drawn as often, (rows,) of mean 1.

    Args:
        clusters: (rows,), the cluster of each.
    """
    _, inverse, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    return len(clusters) / (len(sizes) * sizes[inverse])


def balanced_order(clusters: NDArray[np.int64], draw: Generator) -> NDArray[np.int64]:
    """An epoch: as many draws as there are rows, equally many of every cluster, give or take 1.

    Within a cluster rows are drawn as evenly: of a large one each at most once, of a small one each
    as often as any other, give or take 1 (systematic sampling).

    Args:
        clusters: (rows,), the cluster of each.
        draw: gives the epoch, as ``np.random.default_rng([seed, epoch])``.

    Returns:
        (rows,) int64 numbers of rows, in random order.
    """
    rows = len(clusters)
    shuffled = draw.permutation(rows)
    by_cluster = shuffled[np.argsort(clusters[shuffled], kind="stable")]
    until = np.cumsum(cluster_weights(clusters)[by_cluster])
    drawn = np.searchsorted(until, np.arange(rows) + draw.random(), side="right")
    # The sum of the weights is short of `rows` by rounding.
    return np.asarray(draw.permutation(by_cluster[np.minimum(drawn, rows - 1)]), np.int64)


def _first_centres(rows: NDArray[np.float32], count: int, draw: Generator) -> NDArray[np.float64]:
    chosen = [int(draw.integers(len(rows)))]
    distance = _squared(rows, rows[chosen])[:, 0]
    while len(chosen) < count:
        total = distance.sum()
        if total == 0:  # every different row is a centre
            break
        chosen.append(int(draw.choice(len(rows), p=distance / total)))
        distance = np.minimum(distance, _squared(rows, rows[chosen[-1:]])[:, 0])
    return rows[chosen].astype(np.float64)


def _nearest(rows: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    blocks = [
        _squared(rows[start : start + _BLOCK], centres).argmin(axis=1)
        for start in range(0, len(rows), _BLOCK)
    ]
    return np.concatenate(blocks)


def _squared(
    rows: NDArray[np.float32], centres: NDArray[np.float32] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distances, (rows, centres)."""
    rows, centres = rows.astype(np.float64), centres.astype(np.float64)
    crossed = rows @ centres.T
    squared = np.square(rows).sum(axis=1)[:, None] - 2 * crossed + np.square(centres).sum(axis=1)
    return np.asarray(np.maximum(squared, 0))
