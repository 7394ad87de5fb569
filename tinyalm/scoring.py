"""Embeddings of windows against embeddings of labels: from cosines to tags."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters.learned import LearnedLabels
from tinyalm.bundle import Calibration
from tinyalm.errors import ConfigError
from tinyalm.labels import LabelEmbeddings
from tinyalm.results import ClipTags, Segment, Tag, WindowEmbeddings, unit_length

Span = tuple[float, float]


def score(
    windows: WindowEmbeddings,
    labels: LabelEmbeddings,
    *,
    calibration: Calibration | None = None,
    top_k: int = 5,
    learned: Sequence[LearnedLabels] = (),
) -> ClipTags:
    """Score every label on a recording and on each of its windows.

    Args:
        windows: the recording.
        labels: what it is asked about.
        calibration: turns a cosine into a probability; see `probability`.
        top_k: how many of the best labels to answer, at most.
        learned: further labels that it is asked about; each brings its own calibration.

    Returns:
        The best labels of the recording's pooled embedding, and of each window by itself; those
        below their thresholds are left out.

    Raises:
        ConfigError: ``top_k`` is below 1.
    """
    if top_k < 1:
        raise ConfigError(f"top_k is {top_k}; it must be at least 1")
    answers = _answers(windows, windows.embeddings, labels, calibration, top_k)
    for one in learned:
        theirs = LabelEmbeddings(one.labels, "{}", one.embeddings, one.thresholds)
        answers = _merged(answers, _answers(windows, windows.heard, theirs, one, top_k), top_k)
    return answers


def probability(
    cosines: NDArray[np.float32], calibration: Calibration | None
) -> NDArray[np.float64]:
    """Cosines to scores in [0, 1], float64 of the same shape.

    With a calibration the score is ``1 / (1 + exp(-(scale * cosine + bias)))``, the probability
    that the label applies. Without one it is the cosine itself, and 0 where that is negative.
    """
    cosine = cosines.astype(np.float64)
    if calibration is None:
        return np.clip(cosine, 0.0, 1.0)
    # The logistic function as a tanh, which does not overflow.
    return 0.5 + 0.5 * np.tanh(0.5 * (calibration.scale * cosine + calibration.bias))


def _answers(
    windows: WindowEmbeddings,
    embeddings: NDArray[np.float32],
    labels: LabelEmbeddings,
    calibration: Calibration | LearnedLabels | None,
    top_k: int,
) -> ClipTags:
    spans: list[Span] = list(zip(windows.start_s.tolist(), windows.end_s.tolist(), strict=True))
    peak = np.full(len(labels.labels), -np.inf, np.float32)
    strongest = np.zeros(len(labels.labels), np.intp)
    segments = []
    # Window by window: two hours against 10,000 labels would be a matrix of 100 MB.
    for number, (embedding, span) in enumerate(zip(embeddings, spans, strict=True)):
        cosines = labels.embeddings @ embedding
        higher = cosines > peak
        peak[higher], strongest[higher] = cosines[higher], number
        best = _best(cosines, labels, top_k)
        segments.append(Segment(*span, _tags(labels, cosines, best, [span] * top_k, calibration)))
    cosines = labels.embeddings @ unit_length(embeddings.mean(axis=0))
    best = _best(cosines, labels, top_k)
    at = [spans[number] for number in strongest[best]]
    return ClipTags(_tags(labels, cosines, best, at, calibration), segments, windows.duration)


def _merged(ours: ClipTags, theirs: ClipTags, top_k: int) -> ClipTags:
    """Two answers about one recording as one, by score."""
    segments = [
        Segment(one.start, one.end, _by_score(one.tags + other.tags, top_k))
        for one, other in zip(ours.segments, theirs.segments, strict=True)
    ]
    return ClipTags(_by_score(ours.tags + theirs.tags, top_k), segments, ours.duration)


def _by_score(tags: list[Tag], top_k: int) -> list[Tag]:
    return sorted(tags, key=lambda tag: (-tag.score, -tag.similarity))[:top_k]


def _best(cosines: NDArray[np.float32], labels: LabelEmbeddings, top_k: int) -> NDArray[np.intp]:
    """Positions of the highest cosines, best first; of two equal ones the earlier label first."""
    best = np.argsort(-cosines, kind="stable")
    if labels.thresholds is not None:
        best = best[cosines[best] >= labels.thresholds[best]]
    return best[:top_k]


def _tags(
    labels: LabelEmbeddings,
    cosines: NDArray[np.float32],
    best: NDArray[np.intp],
    spans: list[Span],
    calibration: Calibration | LearnedLabels | None,
) -> list[Tag]:
    if isinstance(calibration, LearnedLabels):
        scores = calibration.probability(cosines)[best].tolist()
    else:
        scores = probability(cosines[best], calibration).tolist()
    # Rounding can put the product of two unit vectors a last bit above 1.
    similarities = np.clip(cosines[best], -1.0, 1.0).tolist()
    return [
        Tag(labels.labels[index], value, similarity, *span)
        for index, value, similarity, span in zip(best, scores, similarities, spans, strict=False)
    ]
