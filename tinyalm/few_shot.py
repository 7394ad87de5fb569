"""Few-shot labels: regularised least squares over embeddings, in closed form.

Every label is told from the others and from a background of everyday sounds at once, by ridge
regression onto class indicators (least-squares discriminant analysis; Hastie, Tibshirani &
Friedman 2009, 4.2 and 4.3), each label weighing the same whatever its number of recordings. What a
row would score without itself in the fit has a closed form, too (Allen 1974's PRESS), and it is
these left-out scores that set calibration and thresholds: with ten recordings, there are none to
spare for it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters import EncoderInfo, LearnedLabels
from tinyalm.errors import ConfigError
from tinyalm.labels import check_labels
from tinyalm.platt import fit_logistic

FALSE_ALARM = 0.05
# docs/adapters.md: how the two were chosen.
RIDGE = 1.0  # penalty, in units of the rows' mean variance
BACKGROUND = 10.0  # weight of the background where that of every label is 1
_LEAST_EXAMPLES = 2  # what is left out must leave something
_LEAST_OTHERS = 4
_LEAST_SCALE = 1e-3  # of labels that cannot be told from the background: all score 0.5

Rows = NDArray[np.float64]


def learn(
    examples: Mapping[str, Sequence[NDArray[np.float32]]],
    others: NDArray[np.float32],
    *,
    name: str,
    encoder: EncoderInfo,
    false_alarm: float = FALSE_ALARM,
) -> LearnedLabels:
    """Learn labels from embeddings.

    Args:
        examples: by label, its recordings; each (dim,) float32, unit length.
        others: (n, dim) float32, unit length: sounds that are none of the labels, one row each.
        name: of the set.
        encoder: whose embeddings they are.
        false_alarm: share of ``others`` that any of the labels may be answered for, at most.

    Returns:
        The labels, each with direction, calibration and threshold.

    Raises:
        ConfigError: labels, a number of examples or of others, or a rate that make no sense.
    """
    labels = check_labels(examples)
    if not 0 < false_alarm < 1:
        raise ConfigError(f"false_alarm is {false_alarm:g}; it must be between 0 and 1")
    for label, recordings in zip(labels, examples.values(), strict=True):
        if len(recordings) < _LEAST_EXAMPLES:
            raise ConfigError(
                f"label {label!r} has {len(recordings)} recordings; "
                f"give at least {_LEAST_EXAMPLES}, best 5 to 20"
            )
    if len(others) < _LEAST_OTHERS:
        raise ConfigError(
            f"{len(others)} other sounds to tell the labels from, and {_LEAST_OTHERS} are needed: "
            "the bundle has no background; give recordings of other sounds"
        )
    rows = np.concatenate([*examples.values(), others]).astype(np.float64)
    counts = [*map(len, examples.values()), len(others)]
    classes = np.repeat(np.arange(len(counts)), counts)
    weights, offsets, left_out = _ridge(rows, classes, RIDGE)
    lengths = np.linalg.norm(weights, axis=1)
    calibrations = [
        fit_logistic(left_out[:, index], classes == index) for index in range(len(labels))
    ]
    scale, bias = np.array(calibrations).T
    tells = scale > _LEAST_SCALE
    scale, bias = np.where(tells, scale, _LEAST_SCALE), np.where(tells, bias, 0.0)
    # In terms of the cosine to the direction: a score is length * cosine + offset.
    thresholds = _thresholds(left_out[classes == len(labels)], false_alarm)
    return LearnedLabels(
        name=name,
        encoder=encoder,
        labels=labels,
        examples=counts[:-1],
        false_alarm=false_alarm,
        embeddings=(weights / lengths[:, None]).astype(np.float32),
        scale=(scale * lengths).astype(np.float32),
        bias=(scale * offsets + bias).astype(np.float32),
        thresholds=((thresholds - offsets) / lengths).astype(np.float32),
    )


def _ridge(rows: Rows, classes: NDArray[np.intp], ridge: float) -> tuple[Rows, Rows, Rows]:
    """Ridge regression of class indicators, a label weighing 1 in all and the background more.

    Args:
        rows: (n, dim).
        classes: (n,), 0 to k; the last is the background, which gets no score.
        ridge: penalty on the weights, in units of the rows' mean variance over the dimensions.

    Returns:
        (k, dim) weights and (k,) offsets, and (n, k) the scores of each row by the fit to all
        others.
    """
    each = 1 / np.bincount(classes)[classes]
    each[classes == classes.max()] *= BACKGROUND
    targets = (classes[:, None] == np.arange(classes.max())).astype(np.float64)
    total = each.sum()
    mean, middle = each @ rows / total, each @ targets / total
    centred, wanted = rows - mean, targets - middle
    scatter = (centred * each[:, None]).T @ centred
    scatter += ridge * np.trace(scatter) / len(mean) * np.eye(len(mean))
    # Solving for as many columns as there are rows would take ten times as long.
    solved = np.linalg.inv(scatter) @ (centred * each[:, None]).T  # (dim, n)
    weights = (solved @ wanted).T
    leverage = each / total + (centred * solved.T).sum(axis=1)
    residual = wanted - centred @ weights.T
    left_out = targets - residual / (1 - leverage)[:, None]
    return weights, middle - weights @ mean, left_out


def _thresholds(scores: Rows, false_alarm: float) -> Rows:
    """Thresholds at one quantile of each column that any is above in so many rows, at most.

    Args:
        scores: (n, k) of sounds that are none of the labels.
        false_alarm: the share of rows.

    Returns:
        (k,), each above the scores that it must keep out.
    """
    # How many rows of its own column are at or above each score: the rarer, the nearer an alarm.
    order = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0, kind="stable")
    rarest = np.sort(order.min(axis=1))
    allowed = int(false_alarm * len(scores))
    kept_out = rarest[allowed] if allowed < len(rarest) else len(scores)
    ranked = -np.sort(-scores, axis=0)
    return np.asarray(np.nextafter(ranked[kept_out], np.inf))
