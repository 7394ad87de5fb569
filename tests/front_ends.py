"""Random front ends and signals, and how far an execution of one is from the reference."""

import numpy as np
from hypothesis import strategies as st

from tinyalm.frontend import LogMelSpec, log_mel, mel_filters

EXACT = 1e-4  # in units of the natural logarithm


def smooth(largest: int) -> list[int]:
    """Products of 2, 3 and 5 up to ``largest``."""
    found = {1}
    for factor in (2, 3, 5):
        for base in sorted(found):
            while (base := base * factor) <= largest:
                found.add(base)
    return sorted(found)


@st.composite
def specs(draw, *, streamable: bool = False) -> LogMelSpec:
    """Any front end whose lowest level is at least 1e-10, as that of the published ones."""
    rate = draw(st.sampled_from([8000, 16000, 44100]))
    n_fft = draw(st.sampled_from([size for size in smooth(1200) if size >= 8]))
    win = draw(st.integers(min(8, n_fft), n_fft))
    hop = draw(st.integers(1 + win // 8, 2 * win))
    center = draw(st.booleans())
    f_min = draw(st.sampled_from([0.0, 60.0, 0.1 * rate]))
    floor = draw(st.sampled_from([0.0, 1e-10, 1e-3]))
    return LogMelSpec(
        sample_rate=rate,
        n_fft=n_fft,
        win_length=win,
        hop_length=hop,
        window=draw(st.sampled_from(["hann", "hann-symmetric"])),
        round_int16=draw(st.booleans()),
        preemphasis=draw(st.sampled_from([0.0, 0.97])),
        center=center,
        pad_mode=draw(st.sampled_from(["reflect", "constant"])),
        drop_last=center and hop <= n_fft // 2 and draw(st.booleans()),
        power=draw(st.sampled_from([1, 2])),
        n_mels=draw(st.integers(1, 64)),
        f_min=f_min,
        f_max=draw(st.floats(f_min + 0.2 * rate, rate / 2)),
        mel_scale=draw(st.sampled_from(["htk", "slaney"])),
        mel_shape=draw(st.sampled_from(["hz", "mel"])),
        mel_norm=draw(st.sampled_from(["none", "slaney"])),
        log=draw(st.sampled_from(["natural", "log10", "db"])),
        log_floor=floor,
        log_offset=draw(st.sampled_from([0.0, 1e-4])) if floor else 1e-5,
        top_db=None if streamable else draw(st.sampled_from([None, 80.0])),
        mean=draw(st.sampled_from([0.0, -4.0])),
        std=draw(st.sampled_from([1.0, 4.0])),
    )


KINDS = (
    "noise",
    "impulse",
    "sine",
    "chirp",
    "silence",
    "clipped",
    "constant",
    "denormal",
)


def signal(kind: str, size: int, hz: float = 0.07, seed: int = 0) -> np.ndarray:
    """(size,) float32; ``hz`` is in cycles a sample."""
    time = np.arange(size)
    made = {
        "noise": lambda: np.random.default_rng(seed).normal(0, 0.1, size),
        "impulse": lambda: (time == size // 2).astype(float),
        "sine": lambda: np.sin(2 * np.pi * hz * time),
        "chirp": lambda: np.sin(np.pi * hz * time * time / max(size, 1)),
        "silence": lambda: np.zeros(size),
        "clipped": lambda: np.clip(9 * np.sin(2 * np.pi * hz * time), -1, 1),
        "constant": lambda: np.full(size, 0.5),
        "denormal": lambda: 1e-40 * np.sin(2 * np.pi * hz * time),
    }
    return made[kind]().astype(np.float32)


@st.composite
def signals(draw, spec: LogMelSpec, *, shortest: int = 1) -> np.ndarray:
    """(samples,) float32: one sample and more, exactly one frame among them."""
    one = spec.frame_length + (spec.preemphasis != 0)
    size = draw(
        st.one_of(
            st.just(max(shortest, one)),
            st.integers(shortest, max(shortest, one)),
            st.integers(shortest, shortest + 6 * spec.n_fft),
        )
    )
    kind = draw(st.sampled_from(KINDS))
    return signal(kind, size, draw(st.floats(0.001, 0.5)), draw(st.integers(0, 99)))


def error(found: np.ndarray, waveform: np.ndarray, spec: LogMelSpec) -> float:
    """Largest difference from the reference, in units of the natural logarithm."""
    expected = log_mel(waveform, spec)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    if found.size == 0:
        return 0.0
    return float(np.abs(found - expected).max() * spec.std / spec.log_unit)


def buildable(spec: LogMelSpec) -> bool:
    """Whether any DFT bin lies in a band of ``spec``."""
    return bool(mel_filters(spec).any())
