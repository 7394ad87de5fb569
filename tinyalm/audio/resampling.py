"""Channels averaged and rates changed: the same samples whatever the pieces they come in."""

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """Changes the rate of one recording with soxr's HQ.

    Args:
        rate: Hz, of what comes in.
        sample_rate: Hz, of what goes out.
    """

    def __init__(self, rate: int, sample_rate: int) -> None:
        self._stream = None
        if rate != sample_rate:
            self._stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")

    def push(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples, (samples,) float32; returns those of the new rate known by now."""
        if self._stream is None:
            return mono
        block: NDArray[np.float32] = self._stream.resample_chunk(mono)
        return block

    def finish(self) -> NDArray[np.float32]:
        """The rest, (samples,) float32, after the last push."""
        rest = np.zeros(0, np.float32)
        return rest if self._stream is None else self._stream.resample_chunk(rest, last=True)


def mean_of_channels(piece: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average (samples, channels) to (samples,), alike for any number of samples and layout."""
    channels = piece.shape[1]
    if channels == 1:
        return piece[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        mono = piece[:, 0] + piece[:, 1]
        for channel in range(2, channels):
            mono += piece[:, channel]
    mono /= channels
    return mono
