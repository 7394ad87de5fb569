"""The last samples of a stream: the only place where a stream's sound waits, zeroed on close."""

import numpy as np
from numpy.typing import NDArray


class RingBuffer:
    """The last ``capacity`` samples that were written, in memory of that size.

    Args:
        capacity: samples, at least 1.

    Attributes:
        count: samples written since the beginning.
    """

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, np.float32)
        self._lent = self._samples
        self.count = 0

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append at most ``capacity`` samples, (samples,) float32, over the oldest ones."""
        at = self.count % self._samples.size
        first = min(samples.size, self._samples.size - at)
        self._samples[at : at + first] = samples[:first]
        self._samples[: samples.size - first] = samples[first:]
        self.count += samples.size

    def last(self, size: int) -> NDArray[np.float32]:
        """A copy of the last ``size`` samples, of which there must be as many.

        Until the next one is taken, it goes where the buffer goes: closing zeroes it, too.
        """
        at = self.count % self._samples.size
        self._lent = np.roll(self._samples, -at)[self._samples.size - size :]
        return self._lent

    def close(self) -> None:
        """Overwrite the samples with zeros, and those of the copy that was taken last."""
        self._samples.fill(0)
        self._lent.fill(0)
