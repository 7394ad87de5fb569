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
    samples = _prepared(np.asarray(waveform), spec)
    count = spec.frames(np.size(waveform))
    if count == 0:
        return np.zeros((0, spec.n_mels))
    if spec.center:
        samples = np.pad(samples, spec.padding, mode=spec.pad_mode)
    frames = np.lib.stride_tricks.sliding_window_view(samples, spec.frame_length)
    frames = frames[:: spec.hop_length][:count]
    weights = np.zeros(spec.frame_length)
    weights[spec.window_start : spec.window_start + spec.win_length] = window(spec)
    spectrum = np.fft.rfft(frames * weights, n=spec.n_fft)
    energy = spectrum.real**2 + spectrum.imag**2
    if spec.power == 1:
        energy = np.sqrt(energy)
    return _compressed(energy @ mel_filters(spec), spec)


def _prepared(samples: NDArray[np.floating], spec: LogMelSpec) -> NDArray[np.float64]:
    """The samples that are cut into frames."""
    if spec.round_int16:
        # In float32, as LAION does: whether a product reaches the next integer depends on it.
        scaled = np.clip(samples.astype(np.float32), -1, 1) * np.float32(32767)
        samples = np.trunc(scaled) / np.float64(32767)
    exact = np.asarray(samples, dtype=np.float64)
    if spec.preemphasis:
        exact = exact[1:] - spec.preemphasis * exact[:-1]
    return exact


def _compressed(mel: NDArray[np.float64], spec: LogMelSpec) -> NDArray[np.float64]:
    """Mel energies of one recording, (frames, n_mels), to normalised log-mel."""
    log = np.log(np.maximum(mel, spec.log_floor) + spec.log_offset) * spec.log_unit
    if spec.top_db is not None:
        log = np.maximum(log, log.max() - spec.top_db / 10 * np.log(10) * spec.log_unit)
    return np.asarray((log - spec.mean) / spec.std)
