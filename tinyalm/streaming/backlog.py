"""Windows that wait for the model, and what gives way when there are too many."""

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError

WhenFull = Literal["drop_oldest", "merge"]
WHEN_FULL = ("drop_oldest", "merge")


@dataclass(slots=True, eq=False)
class Waiting:
    """A window that waits.

    Attributes:
        start: first sample that it speaks for.
        stop: the sample behind the last.
        window: (samples,) float32.
        merged: windows that it took the place of.
    """

    start: int
    stop: int
    window: NDArray[np.float32]
    merged: int = 0


class Backlog:
    """A queue of at most ``size`` windows. One thread may put while another takes.

    Args:
        size: windows, at least 1.
        when_full: ``drop_oldest`` loses the window that waited longest. ``merge`` makes two
            neighbours one: the louder of them, which then speaks for both, of those that took the
            place of fewest, so that resolution is lost evenly and no stretch of time is.

    Attributes:
        windows: that were put.
        dropped: windows lost.
        merged: windows that another speaks for.

    Raises:
        ConfigError: no room, or another policy.
    """

    def __init__(self, size: int, when_full: WhenFull) -> None:
        if size < 1:
            raise ConfigError(f"backlog is {size}; at least one window must be able to wait")
        if when_full not in WHEN_FULL:
            raise ConfigError(f"when_full is {when_full!r}; it is {' or '.join(WHEN_FULL)}")
        self._size, self._when_full = size, when_full
        self._waiting: deque[Waiting] = deque()
        self._lock = Lock()
        self.windows = self.dropped = self.merged = 0

    def put(self, start: int, stop: int, window: NDArray[np.float32]) -> None:
        """Let a window wait, and others give way where there is no room."""
        with self._lock:
            self.windows += 1
            self._waiting.append(Waiting(start, stop, window))
            if len(self._waiting) <= self._size:
                return
            if self._when_full == "merge":
                self._merge()
            else:
                self._waiting.popleft().window.fill(0)
                self.dropped += 1

    def take(self) -> Waiting | None:
        """The window that waited longest; None where none does."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Overwrite what waits with zeros, and forget it."""
        with self._lock:
            for one in self._waiting:
                one.window.fill(0)
            self._waiting.clear()

    def _merge(self) -> None:
        pairs = range(len(self._waiting) - 1)
        at = min(pairs, key=lambda i: self._waiting[i].merged + self._waiting[i + 1].merged)
        one, other = self._waiting[at], self._waiting[at + 1]
        louder, quieter = (one, other) if _energy(one) >= _energy(other) else (other, one)
        quieter.window.fill(0)
        self._waiting[at] = Waiting(
            one.start, other.stop, louder.window, one.merged + other.merged + 1
        )
        del self._waiting[at + 1]
        self.merged += 1


def _energy(one: Waiting) -> float:
    return float(one.window @ one.window)
