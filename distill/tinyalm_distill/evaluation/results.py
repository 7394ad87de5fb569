"""A measurement of one model, and what comes of it: figures with intervals and retention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm_distill.evaluation.bootstrap import Draws, Interval, Statistic, bootstrap
from tinyalm_distill.evaluation.metrics import mean


class Figure(Struct, frozen=True, kw_only=True):
    """A figure with its interval, and beside another model.

    Attributes:
        value: on all clips.
        low: lower end of its 95 % interval.
        high: upper end.
        against: the other model's, on the same clips.
        retention: this figure over the other model's, resampled in pairs; None where less is
            better or chance is far from 0.
    """

    value: float
    low: float
    high: float
    against: Interval | None = None
    retention: Interval | None = None

    @property
    def interval(self) -> Interval:
        """Value and interval."""
        return Interval(self.value, self.low, self.high)

    def __str__(self) -> str:
        """As in ``0.412 [0.380, 0.446]``."""
        return str(self.interval)


class Result(Struct, frozen=True, kw_only=True):
    """One measure of one model.

    Attributes:
        measure: such as ``zero-shot``.
        model: name of the teacher or bundle.
        against: name of the model that it is compared with.
        clips: that were measured on; with ``against``, those that both could use.
        figures: by name.
        facts: how it was measured, and what is no single figure.
        notes: what has to be known to read the figures.
        skipped: clips that could not be used, with reasons.
    """

    measure: str
    model: str
    against: str | None
    clips: int
    figures: dict[str, Figure]
    facts: dict[str, Any]
    notes: list[str]
    skipped: list[str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measurement:
    """What `result` makes figures of.

    Attributes:
        measure: its name.
        model: name of the model.
        clips: (n,) numbers, ascending, of the clips that count; all statistics are over these n.
        statistics: by the figure's name.
        retained: names of the figures of which more is better, from 0 up.
        embeddings: (n, dim) unit length, of the clips; None where they are not what is compared.
        facts: see `Result`, as the three below.
        notes: likewise.
        skipped: likewise.
    """

    measure: str
    model: str
    clips: NDArray[np.int64]
    statistics: Mapping[str, Statistic]
    retained: Sequence[str] = ()
    embeddings: NDArray[np.float32] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def result(mine: Measurement, theirs: Measurement | None = None) -> Result:
    """Figures of ``mine`` with intervals, and beside ``theirs``, on the clips that both have."""
    clips = mine.clips if theirs is None else np.intersect1d(mine.clips, theirs.clips)
    draws = {name: _draws(mine, name, clips) for name in mine.statistics}
    figures = {}
    for name, drawn in draws.items():
        other = _draws(theirs, name, clips) if theirs is not None else None
        keep = other is not None and name in mine.retained
        figures[name] = _figure(
            drawn.interval(),
            against=other.interval() if other else None,
            retention=drawn.over(other).interval() if other and keep else None,
        )
    if theirs is not None and (likeness := _cosine(mine, theirs, clips)) is not None:
        figures["cosine"] = _figure(likeness)
    return Result(
        measure=mine.measure,
        model=mine.model,
        against=theirs.model if theirs else None,
        clips=len(clips),
        figures=figures,
        facts=mine.facts,
        notes=mine.notes,
        skipped=list(dict.fromkeys([*mine.skipped, *(theirs.skipped if theirs else ())])),
    )


def _figure(
    interval: Interval, against: Interval | None = None, retention: Interval | None = None
) -> Figure:
    return Figure(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        against=against,
        retention=retention,
    )


def _draws(measured: Measurement, name: str, clips: NDArray[np.int64]) -> Draws:
    """A figure over ``clips``; the others of the model's own count 0 times."""
    statistic, places = measured.statistics[name], np.searchsorted(measured.clips, clips)

    def over_common(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(clips) == len(measured.clips):
            return statistic(weights)
        spread = np.zeros((len(weights), len(measured.clips)))
        spread[:, places] = weights
        return statistic(spread)

    return bootstrap(over_common, len(clips))


def _cosine(mine: Measurement, theirs: Measurement, clips: NDArray[np.int64]) -> Interval | None:
    """Mean cosine between the two models' embeddings; None where their spaces differ in size."""
    if mine.embeddings is None or theirs.embeddings is None:
        return None
    if mine.embeddings.shape[1] != theirs.embeddings.shape[1]:
        return None
    a = mine.embeddings[np.searchsorted(mine.clips, clips)].astype(np.float64)
    b = theirs.embeddings[np.searchsorted(theirs.clips, clips)]
    return bootstrap(mean((a * b).sum(axis=1)), len(clips)).interval()
