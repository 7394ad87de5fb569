"""Mel patterns of how clips begin: what tells that two files carry the same recording."""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec, log_mel

FRAMES, BANDS = 40, 24
SIZE = FRAMES * BANDS
SAME = 0.98  # cosine above which two clips count as the same recording
_COARSE = (8, 5, 6, 4)  # a pattern in blocks of 5 frames and 4 bands

_SPEC = LogMelSpec(
    sample_rate=16000,
    n_fft=1024,
    win_length=1024,
    hop_length=800,
    n_mels=BANDS,
    f_min=100.0,
    f_max=6000.0,
    log="db",
    log_floor=1e-10,
)
_RANGE_DB = 50.0  # below the loudest value of a clip; what is fainter counts as nothing
_START = 0.02  # of the greatest sample, from which a clip is taken to begin


def pattern(waveform: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The normalised mel pattern of a clip's first two seconds behind silence.

    Loudness does not matter, nor how much silence comes before or, in short clips, behind.

    Args:
        waveform: (samples,) in [-1, 1].
        rate: Hz.

    Returns:
        (SIZE,) of length 1; zeros for a silent clip.
    """
    needed = (FRAMES * _SPEC.hop_length + _SPEC.win_length) / _SPEC.sample_rate
    level = np.abs(waveform)
    start = int(np.argmax(level > _START * level.max(initial=0.0)))
    part = waveform[start : start + int(needed * rate) + 1]
    samples = part if rate == _SPEC.sample_rate else soxr.resample(part, rate, _SPEC.sample_rate)
    padded = np.zeros((FRAMES - 1) * _SPEC.hop_length + _SPEC.win_length, np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    mel = log_mel(padded, _SPEC)
    mel = np.maximum(mel, mel.max() - _RANGE_DB).ravel()
    mel -= mel.mean()
    norm = np.linalg.norm(mel)
    return np.asarray(mel / norm if norm > 0 else mel, np.float32)


class Known:
    """A growing set of patterns that can be asked whether a pattern is in it.

    Args:
        patterns: the first of them, each (SIZE,).
        room: how many more there may come to be.
    """

    def __init__(self, patterns: Sequence[NDArray[np.float32]], room: int = 0) -> None:
        self._count = 0
        self._fine = np.zeros((len(patterns) + room, SIZE), np.float32)
        self._coarse = np.zeros((len(patterns) + room, _COARSE[0] * _COARSE[2]), np.float32)
        for known in patterns:
            self.add(known)

    def add(self, pattern: NDArray[np.float32]) -> None:
        """Put a pattern into the set."""
        self._fine[self._count] = pattern
        self._coarse[self._count] = _coarse(pattern)
        self._count += 1

    def holds(self, pattern: NDArray[np.float32]) -> bool:
        """Tell whether a pattern of the set has a cosine above `SAME` to this one."""
        # Means over blocks are an orthogonal projection, which brings no two patterns further
        # apart: what is far in them need not be compared in full.
        coarse = self._coarse[: self._count] - _coarse(pattern)
        near = np.einsum("ij,ij->i", coarse, coarse) < 2 * (1 - SAME)
        return bool((self._fine[: self._count][near] @ pattern > SAME).any())


def _coarse(pattern: NDArray[np.float32]) -> NDArray[np.float32]:
    """The projection of a pattern on its blocks, (blocks,)."""
    blocks = pattern.reshape(_COARSE).sum(axis=(1, 3)).ravel()
    return np.asarray(blocks / np.sqrt(_COARSE[1] * _COARSE[3]), np.float32)
