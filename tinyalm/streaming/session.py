"""One stream: samples in, events out, over an engine that many streams may share."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio.reading import BLOCK_S, LOWEST_RATE
from tinyalm.audio.resampling import Resampler, mean_of_channels
from tinyalm.audio.sources import AudioArray
from tinyalm.errors import AudioError, ConfigError
from tinyalm.streaming.backlog import Backlog, WhenFull
from tinyalm.streaming.events import Event, EventDetector
from tinyalm.streaming.rules import EventRule, limits
from tinyalm.streaming.scores import WindowScorer
from tinyalm.windows import Cut, WindowCutter, WindowRule

BACKLOG = 8  # windows that wait for the model at most, by default
_LOUDEST = 1e6  # a sample beyond it is a fault of the source, not sound
_CLIPPED = 32767 / 32768  # the highest int16
_NAME = "stream"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a session met.

    Attributes:
        samples: of one channel, at the rate at which they came.
        bad_samples: NaN, infinite or absurdly large ones, which were heard as zeros.
        clipped_samples: those at full scale or beyond.
        rate_changes: how often the rate was another than before.
        windows: cut from the samples.
        answered: windows that the model heard.
        dropped: windows lost since the model was behind.
        merged: windows that a neighbour spoke for, for the same reason.
    """

    samples: int
    bad_samples: int
    clipped_samples: int
    rate_changes: int
    windows: int
    answered: int
    dropped: int
    merged: int

    def to_dict(self) -> dict[str, int]:
        """The fields by name."""
        return asdict(self)


class Session:
    """One stream of sound.

    `push` hears and answers at once. Where the model must not hold up the source, one thread
    calls `feed`, which only cuts windows, and another `drain`. Times are counted in samples: no
    clock is read. Sound is held in memory alone, at most one window and those that wait.

    Args:
        encode: a window, (samples,) float32, to its embedding, (dim,) float32.
        scorer: the labels.
        windows: how the stream is cut.
        sample_rate: Hz, of the model.
        rule: what makes an event.
        backlog: windows that wait for the model, at most.
        when_full: what gives way then; see `Backlog`.

    Attributes:
        level: the highest absolute value among the samples of the last push, 1 being full scale.

    Raises:
        ConfigError: a rule or a backlog that makes no sense.
    """

    def __init__(
        self,
        encode: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        scorer: WindowScorer,
        windows: WindowRule,
        sample_rate: int,
        rule: EventRule | None = None,
        *,
        backlog: int = BACKLOG,
        when_full: WhenFull = "drop_oldest",
    ) -> None:
        self._encode, self._scorer, self._rate = encode, scorer, sample_rate
        numbers = limits(rule or EventRule(), scorer.labels, scorer.thresholds, sample_rate)
        self._detector = EventDetector(scorer.labels, numbers, sample_rate)
        self._cutter = WindowCutter(windows, sample_rate)
        self._backlog = Backlog(backlog, when_full)
        self._source_rate, self._resampler = sample_rate, Resampler(sample_rate, sample_rate)
        self._feeding, self._draining = Lock(), Lock()
        self._samples = self._bad_samples = self._clipped_samples = self._rate_changes = 0
        self._answered = 0
        self._closed = False
        self.level = 0.0

    @property
    def counts(self) -> Counts:
        """What the session met so far."""
        return Counts(
            samples=self._samples,
            bad_samples=self._bad_samples,
            clipped_samples=self._clipped_samples,
            rate_changes=self._rate_changes,
            windows=self._backlog.windows,
            answered=self._answered,
            dropped=self._backlog.dropped,
            merged=self._backlog.merged,
        )

    @property
    def seconds(self) -> float:
        """Length of what was heard so far."""
        return self._cutter.samples / self._rate

    @property
    def open(self) -> list[Event]:
        """Events that are not over yet, as far as they go."""
        return self._detector.open

    def top(self, count: int) -> list[tuple[str, float]]:
        """The labels of the highest scores in the last window, smoothed where the rule smooths."""
        scores = self._detector.smoothed
        best = np.argsort(-scores, kind="stable")[:count]
        return [(self._scorer.labels[index], float(scores[index])) for index in best]

    def push(self, samples: NDArray[Any], sample_rate: int | None = None) -> list[Event]:
        """Hear the next samples, any number of them, and answer all that waits.

        Args:
            samples: (samples,) or (samples, channels): floats in [-1, 1], int16 or int32.
            sample_rate: Hz, from here on; by default as before, and at first the model's.

        Returns:
            The events that are over, and certain, by now.

        Raises:
            AudioError: samples of another shape or type, or a rate that is none.
            BundleError: the audio graph fails.
            ConfigError: the session is closed.
        """
        events = self.drain()
        with self._feeding:
            for cut in self._windows(samples, sample_rate):
                self._backlog.put(*cut)
                events += self.drain()
        return events

    def feed(self, samples: NDArray[Any], sample_rate: int | None = None) -> None:
        """Hear the next samples as `push` does, and leave the windows to `drain`."""
        with self._feeding:
            for cut in self._windows(samples, sample_rate):
                self._backlog.put(*cut)

    def drain(self) -> list[Event]:
        """Answer the windows that wait; returns the events that are over, and certain, by now."""
        events: list[Event] = []
        with self._draining:
            while (one := self._backlog.take()) is not None:
                try:
                    scores = self._scorer(self._encode(one.window))
                finally:
                    one.window.fill(0)
                self._answered += 1
                events += self._detector.push(one.start, one.stop, scores)
        return events

    def flush(self) -> list[Event]:
        """Hear the tail as the end of a recording is heard, end every event, and close.

        Returns:
            The last events; none where the session is closed already.
        """
        if self._closed:
            return []
        events = self.drain()
        with self._feeding:
            for cut in self._tail():
                self._backlog.put(*cut)
                events += self.drain()
        events += self._detector.finish()
        self.close()
        return events

    def close(self) -> None:
        """End the session and overwrite the sound that it holds; no event comes of it any more."""
        with self._feeding:
            self._closed = True
            self._cutter.close()
            self._backlog.close()
            self._resampler = Resampler(self._rate, self._rate)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _windows(self, samples: NDArray[Any], sample_rate: int | None) -> Iterator[Cut]:
        """Windows that end in the next samples."""
        if self._closed:
            raise ConfigError("the session is closed; open another one")
        if sample_rate is not None and sample_rate != self._source_rate:
            yield from self._change_rate(sample_rate)
        rate = self._source_rate
        sound = AudioArray(np.asarray(samples), rate, _NAME)
        for piece in sound.pieces(0, None, BLOCK_S * rate):
            mono = self._usable(piece)
            resampled = self._resampler.push(mono)
            yield from self._cutter.push(resampled)
            # Freed memory keeps what was in it; none of these is anybody else's.
            for copy in (piece, mono, resampled):
                copy.fill(0)

    def _tail(self) -> Iterator[Cut]:
        """The last windows."""
        rest = self._resampler.finish()
        yield from self._cutter.push(rest)
        rest.fill(0)
        yield from self._cutter.finish()

    def _change_rate(self, rate: int) -> Iterator[Cut]:
        """Windows that end in what is left of the old rate."""
        if not rate >= LOWEST_RATE:
            raise AudioError(f"{_NAME}: {rate} Hz is no rate of sound; give the right one")
        if self._samples:
            yield from self._cutter.push(self._resampler.finish())
            self._rate_changes += 1
        self._source_rate, self._resampler = rate, Resampler(rate, self._rate)

    def _usable(self, piece: NDArray[np.float32]) -> NDArray[np.float32]:
        """Channels averaged, faults of the source silenced and counted."""
        mono = mean_of_channels(piece)
        size = np.abs(mono)
        self._samples += mono.size
        self.level = float(size.max())
        if not self.level < _CLIPPED:  # a NaN, too
            bad = ~(size <= _LOUDEST)
            mono, heard = np.where(bad, np.float32(0), mono), mono
            heard.fill(0)
            size[bad] = 0
            self.level = float(size.max())
            self._bad_samples += int(bad.sum())
            self._clipped_samples += int((size >= _CLIPPED).sum())
        size.fill(0)
        return mono
