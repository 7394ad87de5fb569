"""The float64 reference of `LogMelSpec`: written to be read, the oracle of all other executions."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyalm.frontend.spec import LogMelSpec
from tinyalm.frontend.tables import mel_filters, window


def log_mel(waveform: ArrayLike, spec: LogMelSpec) -> NDArray[np.float64]:
    """Log-mel spectrogram in float64.

    Args:
        waveform: (samples,), any float type, [-1, 1] at ``spec.sample_rate`` Hz.
        spec: the front end.

    Returns:
        (frames, n_mels) float64, where ``frames = spec.frames(samples)``.
    """
    samples = np.asarray(waveform, dtype=np.float64)
    if spec.center:
        samples = np.pad(samples, spec.n_fft // 2, mode=spec.pad_mode)
    if spec.frames(np.size(waveform)) == 0:
        return np.zeros((0, spec.n_mels))
    frames = np.lib.stride_tricks.sliding_window_view(samples, spec.frame_length)
    frames = frames[:: spec.hop_length]
    left = (spec.frame_length - spec.win_length) // 2
    weights = np.zeros(spec.frame_length)
    weights[left : left + spec.win_length] = window(spec)
    spectrum = np.fft.rfft(frames * weights, n=spec.n_fft)
    energy = spectrum.real**2 + spectrum.imag**2
    if spec.power == 1:
        energy = np.sqrt(energy)
    return compress(energy @ mel_filters(spec), spec)


def compress(mel: NDArray[np.float64], spec: LogMelSpec) -> NDArray[np.float64]:
    """Mel energies of any shape to normalised log-mel of the same shape."""
    level = np.maximum(mel, spec.log_floor) + spec.log_offset
    log = np.log(level) if spec.log == "natural" else np.log10(level)
    if spec.log == "db":
        log = 10.0 * log
    return np.asarray((log - spec.mean) / spec.std)
