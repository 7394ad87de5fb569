"""What a recording must have to be heard: finite samples, some length, and a level."""

import math

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import AudioError

SHORTEST_S = 0.010
SILENCE_DBFS = -90.0


class Meter:
    """Watches the mono samples of a recording go by.

    Args:
        label: what messages call the recording.
        rate: Hz.
        start: number of the first sample.
    """

    def __init__(self, label: str, rate: int, start: int) -> None:
        self._label, self._rate, self._start = label, rate, start
        self._peak = 0.0
        self._count = 0

    def heard(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pass on the next samples, (samples,) float32.

        Raises:
            AudioError: one of them is NaN or infinite.
        """
        peak = max(float(mono.max()), -float(mono.min()))
        if not math.isfinite(peak):
            at = (self._start + self._count + int(np.argmin(np.isfinite(mono)))) / self._rate
            raise AudioError(
                f"{self._label}: holds NaN or infinite samples at {at:.2f} s; write it anew"
            )
        self._peak = max(self._peak, peak)
        self._count += mono.size
        return mono

    def check(self, channels: int, *, whole: bool) -> None:
        """Judge what was heard, at its end.

        Args:
            channels: how many were averaged.
            whole: whether it was a whole recording; a part of one may be silent.

        Raises:
            AudioError: it was shorter than `SHORTEST_S`, or silent.
        """
        if self._count < SHORTEST_S * self._rate:
            plural = "" if self._count == 1 else "s"
            raise AudioError(
                f"{self._label}: holds {self._count} sample{plural} "
                f"({self._count / self._rate:.5f} s); at least {SHORTEST_S * 1000:g} ms are needed"
            )
        level = 20 * math.log10(self._peak) if self._peak else -math.inf
        if whole and level < SILENCE_DBFS:
            peak = "peak" if channels == 1 else f"the mean of its {channels} channels has peak"
            raise AudioError(
                f"{self._label}: silent: {peak} {level:.0f} dBFS; check the microphone or the file"
            )
