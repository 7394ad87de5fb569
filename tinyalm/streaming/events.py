"""From the scores of windows to events: a state machine of counted samples that knows no clock."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyalm.streaming.rules import Limits


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch of a stream in which a label held.

    Attributes:
        label: the text as it was asked.
        score: the highest in the event, in [0, 1], smoothed where the rule smooths.
        start: seconds from the stream's beginning.
        end: seconds, likewise.
        peak: seconds, the middle of the window of that score.
    """

    label: str
    score: float
    start: float
    end: float
    peak: float

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(slots=True)
class _Stretch:
    """An event in the making, in samples; ``peak`` is twice the middle of its best window."""

    start: int
    end: int
    score: float
    peak: int


class EventDetector:
    """Turns the rows of scores of successive windows into events.

    Each window speaks for the samples nearer to its own middle than to that of any other, and for
    none outside itself: from seam to seam. An event reaches from the seam before its first window
    at ``on`` or above to the seam before the first one below ``off``. What comes out depends on the
    rows alone, however they are grouped, and memory on the number of labels alone.

    Args:
        labels: n of them.
        limits: their rule.
        sample_rate: Hz.

    Attributes:
        smoothed: (n,) float64, the scores that were last compared with the thresholds.
    """

    def __init__(self, labels: Sequence[str], limits: Limits, sample_rate: int) -> None:
        self._labels, self._limits, self._rate = list(labels), limits, sample_rate
        self._span: tuple[int, int] | None = None  # of the last window
        self._active = np.zeros(len(self._labels), bool)
        self._open: dict[int, _Stretch] = {}  # those that are active
        self._ended: dict[int, _Stretch] = {}  # those that may still go on after a short gap
        self._free = np.zeros(len(self._labels), np.int64)  # first sample at which one may start
        self.smoothed = np.zeros(len(self._labels))

    @property
    def open(self) -> list[Event]:
        """The events that are not over yet, as far as they go; any of them may be dropped yet."""
        return self._events({**self._ended, **self._open})

    def push(self, start: int, stop: int, scores: NDArray[np.float64]) -> list[Event]:
        """Take the scores of the next window.

        Args:
            start: its first sample; its middle lies behind that of the window before.
            stop: the sample behind its last.
            scores: (n,) in [0, 1].

        Returns:
            The events that are certain by now, earlier ends first.
        """
        end, seam = self._seam(start, stop)
        self._smooth(start + stop, scores)
        self._span = start, stop
        for index in np.flatnonzero(self._active & (self.smoothed < self._limits.off)).tolist():
            self._ended[index] = self._open.pop(index)
            self._ended[index].end = end
            self._active[index] = False
        over = [i for i, one in self._ended.items() if seam - one.end >= self._limits.min_gap[i]]
        events = self._settle(over)
        for index in np.flatnonzero(~self._active & (self.smoothed >= self._limits.on)).tolist():
            self._start(index, seam)
        for index, stretch in self._open.items():
            stretch.end = stop
            if self.smoothed[index] > stretch.score:
                stretch.score, stretch.peak = float(self.smoothed[index]), start + stop
        return events

    def finish(self) -> list[Event]:
        """End every open event with the last window, and begin anew."""
        self._ended.update(self._open)
        self._open.clear()
        events = self._settle(list(self._ended))
        self._active[:], self._free[:], self._span = False, 0, None
        return events

    def _seam(self, start: int, stop: int) -> tuple[int, int]:
        """(end of the last window's part, start of this one's); one number but after a gap."""
        if self._span is None:
            return start, start
        between = (sum(self._span) + start + stop) // 4
        return min(self._span[1], between), max(start, between)

    def _smooth(self, middle: int, scores: NDArray[np.float64]) -> None:
        """Move the means towards ``scores``; ``middle`` is twice the window's."""
        if self._span is None:
            self.smoothed = scores.astype(np.float64)
            return
        passed, tau = (middle - sum(self._span)) / 2, self._limits.smoothing
        kept = np.exp(-np.divide(passed, tau, where=tau > 0, out=np.full(tau.shape, np.inf)))
        self.smoothed = scores + (self.smoothed - scores) * kept

    def _start(self, index: int, seam: int) -> None:
        """Start an event, go on with one that a short gap interrupted, or wait."""
        resumed = self._ended.pop(index, None)
        if resumed is None and seam < self._free[index]:
            return
        self._open[index] = resumed or _Stretch(seam, seam, -1.0, 0)
        self._active[index] = True

    def _settle(self, over: list[int]) -> list[Event]:
        """Take events that are over; the short ones are dropped."""
        done = {index: self._ended.pop(index) for index in over}
        for index, one in list(done.items()):
            if one.end - one.start < self._limits.min_duration[index]:
                del done[index]
            else:
                self._free[index] = one.end + self._limits.refractory[index]
        return self._events(done)

    def _events(self, stretches: dict[int, _Stretch]) -> list[Event]:
        rate = self._rate
        return [
            Event(self._labels[i], one.score, one.start / rate, one.end / rate, one.peak / 2 / rate)
            for i, one in sorted(stretches.items(), key=lambda item: (item[1].end, item[0]))
        ]
