"""Calibration: are scores probabilities, and which threshold keeps false alarms rare?"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.scoring import probability
from tinyalm_distill.evaluation.bootstrap import Statistic
from tinyalm_distill.evaluation.classification import labelled, labels_of, relevance
from tinyalm_distill.evaluation.embedders import Embedder, embed_labels
from tinyalm_distill.evaluation.folds import deal
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.metrics import share
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip

_BINS = 15


class Bin(Struct, frozen=True):
    """Pairs of alike scores: their mean score, and how often the label applies, at even odds."""

    score: float
    applies: float


def calibration(
    embedder: Embedder, clips: Sequence[Clip], *, false_alarms: float = 0.05
) -> Measurement:
    """How good the scores of every clip with every label are, as the bundle gives them.

    A score is the probability that a label applies at even odds, so pairs of clip and label where
    it applies weigh as much together as those where it does not. Thresholds are set for each label
    on one half of the recordings and measured on the other; the ones in the facts are of all clips.

    Args:
        embedder: the model.
        clips: those with labels count.
        false_alarms: share of the clips without a label that may score above its threshold.

    Raises:
        DataError: no clip has a label, or none can be used.
        ConfigError: fewer than two recordings.
    """
    clips = labelled(clips)
    labels = labels_of(clips)
    texts = embed_labels(embedder, labels, ())
    heard = hear(embedder, [Whole(clip) for clip in clips])
    used = [clips[number] for number in heard.used]
    scores = probability(heard.rows @ texts.T, embedder.calibration)
    relevant = relevance(used, labels)
    alarms, found = _held_out(scores, relevant, deal(used, 2), false_alarms)
    chosen = thresholds(scores, relevant, false_alarms)
    notes = [] if embedder.calibration else ["not calibrated: its scores are cosines"]
    return Measurement(
        measure="calibration",
        model=embedder.name,
        clips=heard.used,
        statistics={
            "ECE": calibration_error(scores, relevant),
            "Brier": brier(scores, relevant),
            "false alarms": alarms,
            "found": found,
        },
        retained=("found",),
        facts={
            "false alarms allowed": false_alarms,
            "labels": len(labels),
            "thresholds": dict(zip(labels, chosen.tolist(), strict=True)),
            "reliability": reliability(scores, relevant),
        },
        notes=notes,
        skipped=heard.skipped,
    )


def thresholds(
    scores: NDArray[np.float64], relevant: NDArray[np.bool_], false_alarms: float
) -> NDArray[np.float64]:
    """For each label the least threshold that few enough negatives reach.

    Args:
        scores: (clips, labels).
        relevant: (clips, labels); where false, the clip is a negative of the label.
        false_alarms: share of the negatives, at most, whose score is the threshold or above.

    Returns:
        (labels,); infinity for a label without negatives.
    """
    chosen = np.full(scores.shape[1], np.inf)
    for column in range(scores.shape[1]):
        negatives = np.sort(scores[~relevant[:, column], column])[::-1]
        if negatives.size:
            allowed = int(false_alarms * negatives.size)
            above = negatives[allowed] if allowed < negatives.size else -np.inf
            chosen[column] = np.nextafter(above, np.inf)
    return chosen


def brier(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> Statistic:
    """Mean squared difference of score and truth (Brier 1950), at even odds.

    Args:
        scores: (clips, labels) in [0, 1].
        relevant: (clips, labels).
    """
    squared = (scores - relevant) ** 2
    right = _per_clip(squared, relevant), _per_clip(relevant, relevant)
    wrong = _per_clip(squared, ~relevant), _per_clip(~relevant, ~relevant)
    positive, negative = share(*right), share(*wrong)
    return lambda weights: (positive(weights) + negative(weights)) / 2


def calibration_error(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> Statistic:
    """Expected calibration error over 15 bins of equal mass, at even odds.

    The share of each bin times the distance of its mean score from how often the label applies
    (Naeini et al. 2015; equal mass: Nixon et al. 2019, arXiv:1904.01685).

    Args:
        scores: (clips, labels) in [0, 1].
        relevant: (clips, labels).
    """
    parts = _binned(scores, relevant)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        mean_score, applies, _ = _at_even_odds(parts, weights)
        error: NDArray[np.float64] = np.abs(mean_score - applies).sum(axis=1)
        return error

    return statistic


def reliability(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> list[Bin]:
    """The bins of `calibration_error`, of ascending scores, for a reliability diagram."""
    totals = _at_even_odds(_binned(scores, relevant), np.ones((1, len(scores))))
    mean_score, applies, mass = (total[0] for total in totals)
    return [
        Bin(float(mean_score[i] / mass[i]), float(applies[i] / mass[i]))
        for i in np.flatnonzero(mass > 0)
    ]


_Parts = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _binned(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> _Parts:
    """How many pairs of each clip are in each bin, and the sum of their scores, (clips, bins).

    First of those where the label applies, then of the others. Bins hold equal mass of all clips;
    a resample keeps their edges.
    """
    weights = np.where(relevant, 0.5 / relevant.sum(), 0.5 / max(1, (~relevant).sum())).ravel()
    flat = scores.ravel()
    order = np.argsort(flat, kind="stable")
    mass = weights[order].cumsum()
    inner = np.searchsorted(mass, np.arange(1, _BINS) / _BINS * mass[-1] * (1 - 1e-12))
    edges = np.unique(flat[order][inner])
    # A score that equals an edge falls below it, wherever it stands.
    place = np.searchsorted(edges, scores, side="left") + _BINS * np.arange(len(scores))[:, None]
    size = len(scores) * _BINS

    def counted(chosen: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(place[chosen], values[chosen], minlength=size)
        return np.asarray(sums.reshape(len(scores), _BINS), np.float64)

    ones = np.ones_like(scores)
    return (
        counted(relevant, ones),
        counted(relevant, scores),
        counted(~relevant, ones),
        counted(~relevant, scores),
    )


def _at_even_odds(
    parts: _Parts, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum of scores, of pairs where the label applies, and of all, by bin: (resamples, bins)."""
    right, right_scores, wrong, wrong_scores = (weights @ part for part in parts)
    half_right = 0.5 / np.maximum(right.sum(axis=1, keepdims=True), 1e-12)
    half_wrong = 0.5 / np.maximum(wrong.sum(axis=1, keepdims=True), 1e-12)
    applies = half_right * right
    scored = half_right * right_scores + half_wrong * wrong_scores
    return scored, applies, applies + half_wrong * wrong


def _held_out(
    scores: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    half: NDArray[np.int64],
    false_alarms: float,
) -> tuple[Statistic, Statistic]:
    """False alarms, and what is found, by thresholds of the other half of the clips."""
    raised = np.zeros_like(relevant)
    for side in (0, 1):
        mine = half == side
        raised[mine] = scores[mine] >= thresholds(scores[~mine], relevant[~mine], false_alarms)
    return (
        share(_per_clip(raised, ~relevant), _per_clip(~relevant, ~relevant)),
        share(_per_clip(raised, relevant), _per_clip(relevant, relevant)),
    )


def _per_clip(
    values: NDArray[np.float64] | NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return np.asarray(np.where(chosen, values, 0).sum(axis=1), np.float64)
