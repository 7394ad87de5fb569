"""The constant tables that a `LogMelSpec` stands for: window and mel filter bank."""

from functools import lru_cache

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike, NDArray

from tinyalm.errors import ConfigError
from tinyalm.frontend.spec import LogMelSpec, MelBand


@lru_cache(maxsize=32)
def window(spec: LogMelSpec) -> NDArray[np.float64]:
    """The analysis window, shape (win_length,), peak 1, read-only."""
    period = spec.win_length if spec.window == "hann" else spec.win_length - 1
    phase = np.arange(spec.win_length) / max(period, 1)
    return _frozen(0.5 - 0.5 * np.cos(2 * np.pi * phase))


@lru_cache(maxsize=32)
def mel_filters(spec: LogMelSpec) -> NDArray[np.float64]:
    """The mel filter bank, (n_fft // 2 + 1, n_mels), read-only: spectrum @ filters = mel energies.

    Triangles over Hz follow librosa.filters.mel and torchaudio's melscale_fbanks, triangles over
    mel follow tf.signal.linear_to_mel_weight_matrix (whose bin at 0 Hz is always 0).
    """
    if spec.mel_bands is not None:
        return _frozen(_dense(spec.mel_bands, spec.n_fft // 2 + 1))
    bins = np.arange(spec.n_fft // 2 + 1, dtype=np.float64)
    rate = spec.sample_rate if spec.mel_sample_rate is None else spec.mel_sample_rate
    hz = bins * (rate / spec.n_fft)
    lowest, highest = _hz_to_mel(np.array([spec.f_min, spec.f_max]), spec.mel_scale)
    edges_mel = np.asarray(np.linspace(lowest, highest, spec.n_mels + 2), dtype=np.float64)
    edges_hz = _mel_to_hz(edges_mel, spec.mel_scale)
    if spec.mel_shape == "mel":
        points, edges = _hz_to_mel(hz, spec.mel_scale), edges_mel
    else:
        points, edges = hz, edges_hz
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (points[:, None] - lower) / (centre - lower)
    falling = (upper - points[:, None]) / (upper - centre)
    filters = np.asarray(np.maximum(0.0, np.minimum(rising, falling)))
    if spec.mel_shape == "mel":
        filters[0] = 0.0
    if spec.mel_norm == "slaney":
        filters *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return _frozen(filters)


def mel_bands(spec: LogMelSpec) -> tuple[MelBand, ...]:
    """The filter bank without its zeros: of every band the bins from its first weight to its last.

    A band that no bin falls into has no weights.
    """
    return _sparse(mel_filters(spec))


def with_mel_filters(spec: LogMelSpec, filters: ArrayLike) -> LogMelSpec:
    """The front end ``spec`` with a filter bank of a checkpoint.

    Args:
        spec: all other settings.
        filters: (n_fft // 2 + 1, n_mels), as torchlibrosa's ``melW``.

    Raises:
        ConfigError: ``filters`` has another shape, or weights that are negative or not finite.
    """
    matrix = np.asarray(filters, dtype=np.float64)
    expected = (spec.n_fft // 2 + 1, spec.n_mels)
    if matrix.shape != expected:
        raise ConfigError(f"a mel matrix of shape {matrix.shape}; this front end's is {expected}")
    return replace(spec, mel_bands=_sparse(matrix))


def _sparse(filters: NDArray[np.float64]) -> tuple[MelBand, ...]:
    bands = []
    for weights in filters.T:
        used = np.flatnonzero(weights)
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, -1)
        bands.append(MelBand(first, tuple(weights[first : last + 1].tolist())))
    return tuple(bands)


def _dense(bands: tuple[MelBand, ...], bins: int) -> NDArray[np.float64]:
    filters = np.zeros((bins, len(bands)))
    for number, band in enumerate(bands):
        filters[band.first_bin : band.first_bin + len(band.weights), number] = band.weights
    return filters


def _hz_to_mel(hz: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    # Slaney's Auditory Toolbox: 200/3 Hz a mel below 1 kHz, 27 log steps per factor 6.4 above.
    above = 15.0 + 27.0 * np.log(np.maximum(hz, 1000.0) / 1000.0) / np.log(6.4)
    return np.where(hz < 1000.0, hz * 3.0 / 200.0, above)


def _mel_to_hz(mel: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    above = 1000.0 * np.exp((np.maximum(mel, 15.0) - 15.0) * np.log(6.4) / 27.0)
    return np.where(mel < 15.0, mel * 200.0 / 3.0, above)


def _frozen(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whoever asks for a table again gets the same one, so nobody may write to it."""
    table.setflags(write=False)
    return table
