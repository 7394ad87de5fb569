"""`LogMelSpec`: everything a log-mel spectrogram depends on, in one frozen place."""

import hashlib
import math
from typing import Literal

import msgspec

from tinyalm.errors import ConfigError

# Far beyond any use; what is larger is a damaged file.
LARGEST = {
    "sample_rate": 1_000_000,
    "n_fft": 1 << 16,
    "win_length": 1 << 16,
    "hop_length": 1 << 20,
    "n_mels": 1024,
}
LOWEST_LEVEL = 1e-30  # what float32 still has room below


class MelBand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One band of a filter bank that is given and not computed.

    Attributes:
        first_bin: DFT bin that the first weight belongs to.
        weights: of this bin and the next ones.
    """

    first_bin: int
    weights: tuple[float, ...]


class LogMelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a log-mel front end: waveform (samples,) -> log-mel (frames, n_mels).

    In this order: ``round_int16``, ``preemphasis``, padding, frames, window, DFT, ``power``, mel
    bands, floor or offset, logarithm, ``top_db``, mean and std. With ``center`` the waveform is
    padded by ``n_fft // 2`` on both sides and frames are ``n_fft`` long with the window in their
    middle (torch.stft). Without it frames are ``win_length`` long, start at ``i * hop_length``, and
    only whole ones count (TensorFlow, Kaldi's snip_edges).

    Attributes:
        sample_rate: Hz.
        n_fft: FFT size in samples, a product of 2, 3 and 5; a frame shorter than it is zero-padded.
        win_length: window length in samples, at most ``n_fft``.
        hop_length: samples between the starts of two frames.
        window: ``hann`` is periodic, ``hann-symmetric`` is not.
        round_int16: round samples to 16 bits first, as LAION's own CLAP does: clipped to [-1, 1],
            times 32767, fraction dropped, divided by 32767.
        preemphasis: p in ``y[n] = x[n + 1] - p * x[n]``, which has one sample less; 0 for none.
        center: pad so that frame ``i`` is centred on sample ``i * hop_length``.
        pad_mode: how ``center`` pads; what is too short to be reflected once is reflected again
            and again (numpy.pad).
        drop_last: leave out the last frame of ``center``: ``n // hop_length`` frames (Whisper).
        power: exponent of the spectrum's magnitude: 1 magnitude, 2 power.
        n_mels: number of mel bands.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz.
        mel_scale: ``htk`` (2595 log10(1 + f/700)) or ``slaney`` (linear below 1 kHz).
        mel_shape: bands are triangles over ``hz`` (librosa, torchaudio) or over ``mel``
            (TensorFlow, Kaldi).
        mel_norm: ``slaney`` divides every band by its width in Hz.
        mel_sample_rate: Hz that the bands are computed for, where a model was trained with those
            of another rate (msclap 2023); None for ``sample_rate``.
        mel_bands: a filter bank to use instead of a computed one, see `with_mel_filters`.
        log: ``natural``, ``log10`` or ``db`` (10 log10).
        log_offset: added before the logarithm.
        log_floor: lower clamp before the logarithm; 0 for none.
        top_db: clamp to so many dB (10 log10 of the level) below the loudest value of the
            recording, which is known only at its end: such a front end cannot stream. None for no
            clamp.
        mean: subtracted from the logarithm.
        std: divides what is left.

    Raises:
        ConfigError: a value out of range; the message gives it.
    """

    sample_rate: int
    n_fft: int
    win_length: int
    hop_length: int
    window: Literal["hann", "hann-symmetric"] = "hann"
    round_int16: bool = False
    preemphasis: float = 0.0
    center: bool = False
    pad_mode: Literal["reflect", "constant"] = "reflect"
    drop_last: bool = False
    power: Literal[1, 2] = 2
    n_mels: int = 64
    f_min: float = 0.0
    f_max: float
    mel_scale: Literal["htk", "slaney"] = "htk"
    mel_shape: Literal["hz", "mel"] = "hz"
    mel_norm: Literal["none", "slaney"] = "none"
    mel_sample_rate: int | None = None
    mel_bands: tuple[MelBand, ...] | None = None
    log: Literal["natural", "log10", "db"] = "natural"
    log_offset: float = 0.0
    log_floor: float = 0.0
    top_db: float | None = None
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        for check in (_check_sizes, _check_frames, _check_bands, _check_level):
            check(self)

    @property
    def frame_length(self) -> int:
        """Samples that one frame reads."""
        return self.n_fft if self.center else self.win_length

    @property
    def padding(self) -> int:
        """Samples that are put before and after the waveform."""
        return self.n_fft // 2 if self.center else 0

    @property
    def window_start(self) -> int:
        """Sample of the frame that the window begins at."""
        return (self.frame_length - self.win_length) // 2

    @property
    def log_unit(self) -> float:
        """What a difference of 1 in the natural logarithm is in units of ``log``."""
        return {"natural": 1.0, "log10": 1 / math.log(10), "db": 10 / math.log(10)}[self.log]

    def frames(self, samples: int) -> int:
        """Number of frames that ``samples`` samples give; no samples give none."""
        samples -= self.preemphasis != 0
        if samples < 1:
            return 0
        spare = samples + 2 * self.padding - self.frame_length
        return max(0, 1 + spare // self.hop_length - self.drop_last)

    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of the settings: the front end's name.

        Settings at their defaults are left out, so that a new one renames no front end.
        """
        given = {
            field.name: float(value) if field.type is float else value
            for field in msgspec.structs.fields(self)
            if (value := getattr(self, field.name)) != field.default
        }
        return hashlib.sha256(msgspec.json.encode(given, order="deterministic")).hexdigest()[:16]


def _check_sizes(spec: LogMelSpec) -> None:
    for name, most in LARGEST.items():
        if not 1 <= getattr(spec, name) <= most:
            raise ConfigError(f"{name} is {getattr(spec, name)}; it must be from 1 to {most}")
    if spec.win_length > spec.n_fft:
        raise ConfigError(f"win_length {spec.win_length} is longer than n_fft {spec.n_fft}")
    rest = spec.n_fft
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    if rest > 1:
        raise ConfigError(f"n_fft is {spec.n_fft}; it must be a product of 2, 3 and 5")


def _check_frames(spec: LogMelSpec) -> None:
    if not 0 <= spec.preemphasis < 1:
        raise ConfigError(f"preemphasis is {spec.preemphasis:g}; it must be from 0 to below 1")
    if spec.drop_last and not (spec.center and spec.hop_length <= spec.padding):
        raise ConfigError(
            f"drop_last needs center and a hop_length (it is {spec.hop_length}) of at most "
            f"n_fft // 2 = {spec.n_fft // 2}"
        )


def _check_bands(spec: LogMelSpec) -> None:
    rate = spec.sample_rate if spec.mel_sample_rate is None else spec.mel_sample_rate
    if not 1 <= rate <= LARGEST["sample_rate"]:
        raise ConfigError(
            f"mel_sample_rate is {rate}; it must be from 1 to {LARGEST['sample_rate']}"
        )
    if not 0 <= spec.f_min < spec.f_max <= rate / 2:
        raise ConfigError(
            f"f_min {spec.f_min:g} and f_max {spec.f_max:g} must satisfy "
            f"0 <= f_min < f_max <= {rate / 2:g} Hz"
        )
    if spec.mel_bands is None:
        return
    if len(spec.mel_bands) != spec.n_mels:
        raise ConfigError(f"mel_bands has {len(spec.mel_bands)} bands and n_mels is {spec.n_mels}")
    for number, band in enumerate(spec.mel_bands):
        last = band.first_bin + len(band.weights) - 1
        if band.first_bin < 0 or last > spec.n_fft // 2:
            raise ConfigError(
                f"mel band {number} covers bins {band.first_bin} to {last} of 0 to "
                f"{spec.n_fft // 2}"
            )
        if not all(0 <= weight < math.inf for weight in band.weights):
            raise ConfigError(f"mel band {number} has a weight that is negative or not finite")


def _check_level(spec: LogMelSpec) -> None:
    if not (spec.log_offset >= 0 and spec.log_floor >= 0):
        raise ConfigError(
            f"log_offset {spec.log_offset:g} and log_floor {spec.log_floor:g} must not be below 0"
        )
    if not LOWEST_LEVEL <= spec.log_offset + spec.log_floor < math.inf:
        raise ConfigError(
            f"log_offset {spec.log_offset:g} and log_floor {spec.log_floor:g} must add up to at "
            f"least {LOWEST_LEVEL:g}, or silence has no logarithm"
        )
    if spec.top_db is not None and not 0 < spec.top_db < math.inf:
        raise ConfigError(f"top_db is {spec.top_db:g}; it must be above 0")
    if not (math.isfinite(spec.mean) and 0 < spec.std < math.inf):
        raise ConfigError(f"mean {spec.mean:g} must be finite and std {spec.std:g} above 0")
