"""Landmarks of a recording: pairs of spectral peaks, which survive coding (Wang, ISMIR 2003).

Peaks are dense (95 a second, each paired with 6 others): half a second of a fading sound must do.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # Hz; what lies above 3.8 kHz does not survive 32 kbit/s
FRAME, HOP = 512, 128
_BANDS = slice(2, 243)  # 31 to 3780 Hz
_NEAR = (2, 3)  # frames and bands around a peak in which nothing is louder
_BLOCK, _QUOTA = 4, 6  # frames in which so many peaks count, so that fading ends have some, too
_FLOOR = 10 ** (-70 / 20)  # of the loudest peak
_SILENCE = 1e-4  # a magnitude, of a sine at about -120 dBFS
_PARTNERS, _AMONG = 6, 30  # pairs of a peak, among so many that follow it
_FRAMES_APART, _BANDS_APART = 31, 63
_CHUNK = 4096  # frames that are looked at together: 65 s
_WINDOW = np.hanning(FRAME + 1)[:-1].astype(np.float32)


class Landmarks(NamedTuple):
    """The landmarks of a recording, in no particular order.

    Attributes:
        hashes: (landmarks,) uint32 below `HASHES`: two bands and the frames between them.
        frames: (landmarks,) uint32, the first peak's time in steps of `HOP` samples.
    """

    hashes: NDArray[np.uint32]
    frames: NDArray[np.uint32]


HASHES = 1 << 20


def landmarks(waveform: NDArray[np.float32]) -> Landmarks:
    """Find the landmarks of a waveform, (samples,) at `RATE`; none where it is silent."""
    padded = np.pad(waveform, (FRAME // 2, FRAME))
    windows = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    found = [_peaks(windows, start) for start in range(0, len(windows), _CHUNK)]
    return _pairs(np.concatenate(found))


def _peaks(windows: NDArray[np.float32], start: int) -> NDArray[np.int64]:
    """Peaks of a chunk, (peaks, 2) of frame and band, in that order."""
    before = min(start, _NEAR[0])
    part = windows[start - before : start + _CHUNK + _NEAR[0]] * _WINDOW
    level = np.abs(np.fft.rfft(part, axis=1)[:, _BANDS]).astype(np.float32)
    top = _loudest_near(_loudest_near(level, _NEAR[0], 0), _NEAR[1], 1)
    is_peak = (level == top) & (level > max(_FLOOR * float(level.max()), _SILENCE))
    frame, band = np.nonzero(is_peak[before : before + _CHUNK])
    height = level[frame + before, band]
    block = frame // _BLOCK
    order = np.lexsort((-height, block))
    rank = np.arange(len(order)) - np.searchsorted(block[order], block[order])
    kept = np.sort(order[rank < _QUOTA])
    return np.stack([frame[kept] + start, band[kept]], axis=1)


def _loudest_near(level: NDArray[np.float32], reach: int, axis: int) -> NDArray[np.float32]:
    """The maximum over ``reach`` neighbours on both sides along ``axis``."""
    level = np.moveaxis(level, axis, 0)
    top = level.copy()
    for step in range(1, reach + 1):
        np.maximum(top[:-step], level[step:], out=top[:-step])
        np.maximum(top[step:], level[:-step], out=top[step:])
    return np.moveaxis(top, 0, axis)


def _pairs(peaks: NDArray[np.int64]) -> Landmarks:
    """Pair every peak with the next few within reach of it."""
    frame, band = peaks[:, 0], peaks[:, 1]
    paired = np.zeros(len(peaks), np.int64)
    hashes, frames = [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
    for step in range(1, min(_AMONG, len(peaks) - 1) + 1):
        later, higher = frame[step:] - frame[:-step], band[step:] - band[:-step]
        fits = (later <= _FRAMES_APART) & (np.abs(higher) <= _BANDS_APART)
        first = np.flatnonzero(fits & (paired[:-step] < _PARTNERS))
        paired[first] += 1
        apart = (higher[first] + _BANDS_APART + 1) << 5 | later[first]
        hashes.append((band[first] << 12 | apart).astype(np.uint32))
        frames.append(frame[first].astype(np.uint32))
    return Landmarks(np.concatenate(hashes), np.concatenate(frames))
