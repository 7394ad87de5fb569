"""What the golden log-mels are of: known to the script that makes them and to their test."""

from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from tests.front_ends import signal
from tinyalm.frontend import PRESETS, LogMelSpec

# Kaldi's own: no padding, its bands, a floor of float32's epsilon.
_KALDI = LogMelSpec(
    sample_rate=16000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    f_min=20.0,
    f_max=7600.0,
    mel_shape="mel",
    log_floor=float(np.finfo(np.float32).eps),
)
SPECS = {
    **PRESETS,
    "kaldi": _KALDI,
    "kaldi-512": replace(_KALDI, win_length=512, n_mels=80, f_min=0.0, f_max=8000.0),
    "kaldi-symmetric": replace(_KALDI, window="hann-symmetric"),
    "kaldi-magnitude": replace(_KALDI, power=1, n_mels=40),
}


class Case(NamedTuple):
    """One recording through one front end.

    Attributes:
        front_end: name in `SPECS`.
        sound: kinds of `tests.front_ends.signal`, or ``fading``, with + between those added up.
        size: samples of it.
        copies: how many of it the front end hears, where the peer repeats what is short.
        zeros: samples of silence that it hears after them, where the peer pads.
    """

    front_end: str
    sound: str
    size: int
    copies: int = 1
    zeros: int = 0

    def __str__(self) -> str:
        return "/".join(map(str, self))

    @classmethod
    def parsed(cls, text: str) -> "Case":
        """The case that is written as ``text``."""
        front_end, sound, *numbers = text.split("/")
        return cls(front_end, sound, *map(int, numbers))

    @property
    def spec(self) -> LogMelSpec:
        """The front end's settings."""
        return SPECS[self.front_end]

    def recorded(self) -> np.ndarray:
        """(size,) float32."""
        parts = [_sound(kind, self.size) for kind in self.sound.split("+")]
        return np.sum(parts, axis=0).astype(np.float32)

    def heard(self) -> np.ndarray:
        """(samples,) float32, what the frames are cut from."""
        return np.pad(np.tile(self.recorded(), self.copies), (0, self.zeros))


def _sound(kind: str, size: int) -> np.ndarray:
    if kind == "fading":  # by 140 dB, to below every clamp
        return 5 * signal("noise", size) * 10 ** (-7 * np.arange(size) / size)
    if kind in ("chirp", "clipped"):  # not so loud that peers' rounding reaches into other bands
        return signal(kind, size, hz=0.4 if kind == "chirp" else 0.07) / 8
    return signal(kind, size)
