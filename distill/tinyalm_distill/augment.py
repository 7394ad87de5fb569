"""Augmentation of waveforms: pure functions of a waveform and of what a generator draws.

The teacher answers for the augmented sound itself, so none of these has to keep a label true; they
only have to sound like something that a device may hear.
"""

from typing import Any

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

_SILENT = 1e-6  # RMS below which a sound has no level to speak of
_CURVE_HZ = np.array([40.0, 120.0, 360.0, 1000.0, 2500.0, 5000.0, 10000.0, 24000.0])
_REVERB_S = 0.4  # longer tails are cut


def rms(waveform: NDArray[np.float32]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))


def mixed(
    first: NDArray[np.float32], second: NDArray[np.float32], level_db: float
) -> NDArray[np.float32]:
    """The sum of two sounds, the first ``level_db`` louder by RMS; ``first`` if one is silent."""
    loudness = rms(first), rms(second)
    if min(loudness) < _SILENT:
        return first
    return first + np.float32(loudness[0] / loudness[1] * 10 ** (-level_db / 20)) * second


def respeed(waveform: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Played ``factor`` times as fast, so that pitch and duration change together."""
    return np.asarray(soxr.resample(waveform, factor, 1.0, quality="LQ"), np.float32)


def filtered(
    waveform: NDArray[np.float32], sample_rate: int, range_db: float, draw: Generator
) -> NDArray[np.float32]:
    """Through a smooth random frequency response, as of another microphone or loudspeaker.

    Args:
        waveform: (samples,) float32.
        sample_rate: Hz.
        range_db: gains at eight frequencies are drawn within plus and minus this.
        draw: gives the gains.
    """
    gains = draw.uniform(-range_db, range_db, _CURVE_HZ.size)
    hertz = np.fft.rfftfreq(waveform.size, 1 / sample_rate)
    octaves = np.log2(np.maximum(hertz, _CURVE_HZ[0]))
    response = 10 ** (np.interp(octaves, np.log2(_CURVE_HZ), gains) / 20)
    return _wave(np.fft.rfft(waveform) * response.astype(np.float32), waveform.size)


def reverberated(
    waveform: NDArray[np.float32], sample_rate: int, draw: Generator
) -> NDArray[np.float32]:
    """In a random room: an exponentially decaying noise tail, 0.1 to 1 s to fall by 60 dB."""
    tail = int(_REVERB_S * sample_rate)
    decay_s, level_db = draw.uniform(0.1, 1.0), draw.uniform(-12, 6)
    envelope = np.exp(-6.9 / decay_s / sample_rate * np.arange(tail, dtype=np.float32))
    response = draw.standard_normal(tail, np.float32) * envelope
    response *= np.float32(10 ** (level_db / 20)) / np.sqrt(np.sum(response**2))
    response[0] += 1
    size = _fast_length(waveform.size + tail)
    spectrum = np.fft.rfft(waveform, size) * np.fft.rfft(response, size)
    return _wave(spectrum, size)[: waveform.size]


def noisy(
    waveform: NDArray[np.float32], snr_db: float, colour: float, draw: Generator
) -> NDArray[np.float32]:
    """With noise whose power falls as ``1 / f ** colour``: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(draw.standard_normal(waveform.size, np.float32))
    spectrum /= np.maximum(np.arange(spectrum.size, dtype=np.float32), 1) ** np.float32(colour / 2)
    return mixed(waveform, _wave(spectrum, waveform.size), snr_db)


def _wave(spectrum: NDArray[Any], samples: int) -> NDArray[np.float32]:
    return np.asarray(np.fft.irfft(spectrum, samples), np.float32)


def _fast_length(samples: int) -> int:
    """The next multiple of 4096: its transform is quick and there are few different ones."""
    return -(-samples // 4096) * 4096
