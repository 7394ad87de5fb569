"""How a recording of any length is cut into the windows that a student hears."""

import math
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError

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

    def cut(
        self, blocks: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """Cut a stream of blocks into windows, holding no more than one window and one block.

        Args:
            blocks: consecutive (samples,) float32 pieces of one recording, of any sizes.
            sample_rate: Hz.

        Yields:
            (start, stop, window): the samples that the window covers, and the window itself,
            (length,) float32, zero-padded where the recording is shorter.
        """
        length = round(self.length_s * sample_rate)
        hop = max(1, round(self.hop_s * sample_rate))
        held = np.zeros(0, np.float32)  # samples from `offset` on
        offset = start = end = 0  # start: of the next window; end: of the samples covered so far
        for block in blocks:
            held = np.concatenate([held, block])
            while start - offset + length <= held.size:
                first = start - offset
                yield start, start + length, held[first : first + length].copy()
                end, start = start + length, start + hop
            # Keep a whole window before the end, for the one that ends with the recording.
            drop = max(0, min(start - offset, held.size - length))
            held, offset = held[drop:], offset + drop
        total = offset + held.size
        if total == 0 or end == total:
            return
        if total < length:
            padded = np.zeros(self.padded(total, sample_rate), np.float32)
            padded[:total] = held
            yield 0, total, padded
        else:
            yield total - length, total, held[held.size - length :].copy()
