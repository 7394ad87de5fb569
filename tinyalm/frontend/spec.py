"""`LogMelSpec`: everything a log-mel spectrogram depends on, in one frozen place."""

import hashlib
from typing import Literal

import msgspec

from tinyalm.errors import ConfigError


class LogMelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a log-mel front end: waveform (samples,) -> log-mel (frames, n_mels).

    With ``center`` the waveform is padded by ``n_fft // 2`` on both sides and frames are ``n_fft``
    long with the window in their middle (torch.stft). Without it frames are ``win_length`` long,
    start at ``i * hop_length``, and only whole ones count (TensorFlow, Kaldi's snip_edges).

    Attributes:
        sample_rate: Hz.
        n_fft: FFT size in samples; a frame shorter than it is zero-padded.
        win_length: window length in samples, at most ``n_fft``.
        hop_length: samples between the starts of two frames.
        window: ``hann`` is periodic, ``hann-symmetric`` is not.
        center: pad so that frame ``i`` is centred on sample ``i * hop_length``.
        pad_mode: how ``center`` pads.
        power: exponent of the spectrum's magnitude: 1 magnitude, 2 power.
        n_mels: number of mel bands.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz.
        mel_scale: ``htk`` (2595 log10(1 + f/700)) or ``slaney`` (linear below 1 kHz).
        mel_shape: bands are triangles over ``hz`` (librosa, torchaudio) or over ``mel``
            (TensorFlow, Kaldi).
        mel_norm: ``slaney`` divides every band by its width in Hz.
        log: ``natural``, ``log10`` or ``db`` (10 log10).
        log_offset: added before the logarithm.
        log_floor: lower clamp before the logarithm; 0 for none.
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
    center: bool = False
    pad_mode: Literal["reflect", "constant"] = "reflect"
    power: Literal[1, 2] = 2
    n_mels: int = 64
    f_min: float = 0.0
    f_max: float
    mel_scale: Literal["htk", "slaney"] = "htk"
    mel_shape: Literal["hz", "mel"] = "hz"
    mel_norm: Literal["none", "slaney"] = "none"
    log: Literal["natural", "log10", "db"] = "natural"
    log_offset: float = 0.0
    log_floor: float = 0.0
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        for name in ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.win_length > self.n_fft:
            raise ConfigError(f"win_length {self.win_length} is longer than n_fft {self.n_fft}")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ConfigError(
                f"f_min {self.f_min:g} and f_max {self.f_max:g} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2:g} Hz"
            )
        if self.log_offset < 0 or self.log_floor < 0 or self.log_offset + self.log_floor == 0:
            raise ConfigError(
                f"log_offset {self.log_offset:g} and log_floor {self.log_floor:g}: "
                "one must be above 0 and none below, or silence has no logarithm"
            )
        if self.std <= 0:
            raise ConfigError(f"std is {self.std:g}; it must be above 0")

    @property
    def frame_length(self) -> int:
        """Samples that one frame reads."""
        return self.n_fft if self.center else self.win_length

    def frames(self, samples: int) -> int:
        """Number of frames that ``samples`` samples give."""
        padded = samples + 2 * (self.n_fft // 2) if self.center else samples
        return max(0, 1 + (padded - self.frame_length) // self.hop_length)

    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of the settings: the front end's name."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


PRESETS: dict[str, LogMelSpec] = {
    # yamnet/params.py and features.py of tensorflow/models: magnitude, bands without DC.
    "yamnet": LogMelSpec(
        sample_rate=16000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        power=1,
        f_min=125.0,
        f_max=7500.0,
        mel_shape="mel",
        log_offset=0.001,
    ),
    # tinyalm's own: no padding, so that it streams; mean and std of the logarithm over 4 hours of
    # mixed recordings put the student's input near zero mean and unit variance.
    "edge-16k": LogMelSpec(
        sample_rate=16000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        f_min=60.0,
        f_max=7800.0,
        log_offset=1e-5,
        mean=-4.0,
        std=4.0,
    ),
}


def preset(name: str) -> LogMelSpec:
    """The published front end ``name``.

    Raises:
        ConfigError: no such preset; the message lists them.
    """
    if name not in PRESETS:
        raise ConfigError(f"no front end named {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
