"""How a recording of any length is cut into the windows that a student hears."""

import math
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError
from tinyalm.ring_buffer import RingBuffer

Cut: TypeAlias = tuple[int, int, NDArray[np.float32]]  # start, stop, window

_SHORTEST_HOP = 0.01  # seconds; below it a hop could be no sample at all


class WindowRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overlapping windows with the tail kept; the same cut for the same samples, always.

    A recording no longer than ``length_s`` is one window, zero-padded at its end to the next
    multiple of ``grid_s`` and to at least ``min_s``, so that there are few different lengths. A
    longer one gives windows at 0, ``hop_s``, 2 ``hop_s``, …, and where the last of them ends early,
    one more that ends with the recording.

    Attributes:
        length_s: longest window, seconds.
        hop_s: seconds between the starts of two windows.
        grid_s: short recordings are padded to a multiple of it, seconds.
        min_s: shortest window, seconds.

    Raises:
        ConfigError: lengths that contradict each other.
    """

    length_s: float
    hop_s: float
    grid_s: float
    min_s: float

    def __post_init__(self) -> None:
        """Refuse rules that would lose samples or loop forever."""
        if not 0 < self.hop_s <= self.length_s or not 0 < self.min_s <= self.length_s:
            raise ConfigError(
                f"windows of {self.length_s:g} s need 0 < hop_s <= length_s and "
                f"0 < min_s <= length_s, not hop_s {self.hop_s:g} and min_s {self.min_s:g}"
            )
        if self.grid_s <= 0 or self.hop_s < _SHORTEST_HOP:
            raise ConfigError(
                f"grid_s is {self.grid_s:g} and hop_s {self.hop_s:g}; the first must be above 0 "
                f"and the second at least {_SHORTEST_HOP:g}"
            )

    def padded(self, samples: int, sample_rate: int) -> int:
        """Length in samples of the one window of a recording no longer than ``length_s``."""
        grid = max(1, round(self.grid_s * sample_rate))
        length, shortest = round(self.length_s * sample_rate), round(self.min_s * sample_rate)
        return min(length, max(shortest, math.ceil(samples / grid) * grid))

    def cut(self, blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[Cut]:
        """Cut a recording that comes in blocks into windows, holding one window and one block.

        Args:
            blocks: consecutive (samples,) float32 pieces of one recording, of any sizes.
            sample_rate: Hz.

        Yields:
            (start, stop, window): the samples that the window covers, and the window itself,
            (length,) float32, zero-padded where the recording is shorter.
        """
        cutter = WindowCutter(self, sample_rate)
        for block in blocks:
            yield from cutter.push(block)
        yield from cutter.finish()


class WindowCutter:
    """Cuts one recording as `WindowRule.cut` does, holding one window of it between the pushes.

    Args:
        rule: lengths and hops.
        sample_rate: Hz.
    """

    def __init__(self, rule: WindowRule, sample_rate: int) -> None:
        self._rule, self._rate = rule, sample_rate
        self._length = round(rule.length_s * sample_rate)
        self._hop = max(1, round(rule.hop_s * sample_rate))
        self._next = self._length  # the sample at which the next window stops
        self._covered = 0
        self._ring = RingBuffer(self._length)

    @property
    def samples(self) -> int:
        """How many were pushed."""
        return self._ring.count

    def push(self, block: NDArray[np.float32]) -> Iterator[Cut]:
        """Take the next (samples,) float32 of any number; yields the windows that end in them.

        The samples are taken as the windows are: exhaust the iterator before the next push.
        """
        at = 0
        while at < block.size:
            taken = block[at : at + self._next - self._ring.count]
            self._ring.write(taken)
            at += taken.size
            if self._ring.count == self._next:
                stop, self._next = self._next, self._next + self._hop
                self._covered = stop
                yield stop - self._length, stop, self._ring.last(self._length)

    def finish(self) -> Iterator[Cut]:
        """The window that ends with the recording, unless the last one did, or there is nothing."""
        total = self._ring.count
        if total == self._covered:
            return
        size = min(total, self._length)
        window = np.zeros(self._rule.padded(size, self._rate), np.float32)
        window[:size] = self._ring.last(size)
        yield total - size, total, window

    def close(self) -> None:
        """Overwrite the samples held with zeros."""
        self._ring.close()
