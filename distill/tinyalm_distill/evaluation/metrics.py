"""Metrics of scores and relevance, as statistics that the bootstrap can resample.

All are functions of how often each clip counts; see `tinyalm_distill.evaluation.bootstrap`.
"""

import numpy as np
from numpy.typing import NDArray

from tinyalm_distill.evaluation.bootstrap import Statistic


def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Statistic:
    """Sum of ``part`` over sum of ``whole``, both (clips,)."""

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _divided(weights @ part, weights @ whole)

    return statistic


def mean(values: NDArray[np.float64]) -> Statistic:
    """Mean of ``values``, (clips,)."""
    return share(values, np.ones_like(values))


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


def class_mean(values: NDArray[np.float64], relevant: NDArray[np.bool_]) -> Statistic:
    """Mean over labels of the mean of ``values`` over the label's clips.

    Of hits of single labels it is sklearn.metrics.balanced_accuracy_score.

    Args:
        values: (clips,).
        relevant: (clips, labels) whether the label applies; labels that never do are left out.
    """
    member = relevant.astype(np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _nan_mean(_divided((weights * values) @ member, weights @ member))

    return statistic


def mean_average_precision(
    similarity: NDArray[np.float32], relevant: NDArray[np.bool_]
) -> Statistic:
    """Average precision of each label over the clips, averaged over labels that occur.

    Average precision is the sum over ranks of (recall step) * precision, as in
    sklearn.metrics.average_precision_score; equal similarities share one rank.

    Args:
        similarity: (clips, labels).
        relevant: (clips, labels) whether the label applies.
    """
    plans = []
    for column in np.flatnonzero(relevant.any(axis=0)):
        order = np.argsort(-similarity[:, column], kind="stable")
        scores = similarity[order, column]
        hits = np.flatnonzero(relevant[order, column])
        # A hit's rank is that of the last clip with the same score, of hits and of all.
        last = np.searchsorted(-scores, -scores[hits], side="right") - 1
        plans.append((order, hits, last, np.searchsorted(hits, last, side="right") - 1))

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        figures = np.full((len(weights), len(plans)), np.nan)
        for number, (order, hits, last, last_hit) in enumerate(plans):
            ranked = weights[:, order]
            found = ranked[:, hits]
            recalled = found.cumsum(axis=1)
            precision = _divided(recalled[:, last_hit], ranked.cumsum(axis=1)[:, last], 0.0)
            figures[:, number] = _divided((found * precision).sum(axis=1), recalled[:, -1])
        return _nan_mean(figures)

    return statistic


def ranks(similarity: NDArray[np.float32], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For every query the ranks, from 1, of what is relevant to it, ascending; ties count against.

    Args:
        similarity: (queries, candidates).
        relevant: (queries, candidates).

    Returns:
        (queries, most relevant candidates), filled with infinity where there are fewer.
    """
    found = np.full((len(similarity), int(relevant.sum(axis=1).max(initial=1))), np.inf)
    for query, (row, wanted) in enumerate(zip(similarity, relevant, strict=True)):
        mine, others = -np.sort(-row[wanted]), np.sort(row[~wanted])
        above = others.size - np.searchsorted(others, mine, side="left")
        found[query, : mine.size] = above + np.arange(1, mine.size + 1)
    return found


def recall_at(found: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Whether each query has something relevant among its ``k`` best, (queries,) of 0 and 1.

    With several relevant candidates any of them will do, as Clotho's and AudioCaps' papers count.
    """
    return np.asarray(found[:, 0] <= k, dtype=np.float64)


def average_precision_at(found: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Average precision within the ``k`` best of each query, (queries,).

    The precisions at the relevant ranks up to ``k``, summed, over how many relevant candidates
    there are or ``k``, whichever is less (DCASE 2022 task 6b; LAION-CLAP, arXiv:2211.06687).
    """
    precision = np.arange(1, found.shape[1] + 1) / found
    wanted = np.minimum(np.isfinite(found).sum(axis=1), k)
    total = np.where(found <= k, precision, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(wanted, 1), dtype=np.float64)


def _divided(
    part: NDArray[np.float64], whole: NDArray[np.float64], empty: float = np.nan
) -> NDArray[np.float64]:
    result = np.full(np.broadcast_shapes(part.shape, whole.shape), empty)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def _nan_mean(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the last axis of what is defined; NaN where nothing is."""
    defined = np.isfinite(figures)
    return _divided(np.where(defined, figures, 0.0).sum(axis=-1), defined.sum(axis=-1) * 1.0)
