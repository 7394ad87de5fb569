"""Random front ends and signals, and how near an execution in float32 must come to float64."""

import numpy as np
from hypothesis import strategies as st

from tinyalm.frontend import LogMelSpec, log_mel, mel_filters

EXACT = 1e-4  # in units of the natural logarithm
LOG_UNIT = {"natural": 1.0, "log10": np.log(10), "db": np.log(10) / 10}


@st.composite
def specs(draw) -> LogMelSpec:
    """Any front end whose bands hold a DFT bin and which has no level below 1e-5."""
    rate = draw(st.sampled_from([8000, 16000, 44100]))
    n_fft = draw(st.integers(16, 600))
    win = draw(st.integers(8, n_fft))
    f_min = draw(st.sampled_from([0.0, 60.0, 0.1 * rate]))
    floor = draw(st.sampled_from([0.0, 1e-5, 1e-3]))
    return LogMelSpec(
        sample_rate=rate,
        n_fft=n_fft,
        win_length=win,
        hop_length=draw(st.integers(1 + win // 8, 2 * win)),
        window=draw(st.sampled_from(["hann", "hann-symmetric"])),
        center=draw(st.booleans()),
        pad_mode=draw(st.sampled_from(["reflect", "constant"])),
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
        mean=draw(st.sampled_from([0.0, -4.0])),
        std=draw(st.sampled_from([1.0, 4.0])),
    )


@st.composite
def signals(draw, spec: LogMelSpec) -> np.ndarray:
    """(samples,) float32 of at least one frame, exactly one frame among them."""
    shortest = max(spec.frame_length, spec.n_fft // 2 + 1)  # what reflection needs
    size = draw(st.one_of(st.just(shortest), st.integers(shortest, 5 * spec.n_fft)))
    kind = draw(st.sampled_from(["noise", "impulse", "sine", "silence", "clipped", "constant"]))
    time = np.arange(size)
    hz = draw(st.floats(20, spec.sample_rate / 2)) / spec.sample_rate
    seed = draw(st.integers(0, 99))
    made = {
        "noise": lambda: np.random.default_rng(seed).normal(0, 0.1, size),
        "impulse": lambda: (time == size // 2).astype(float),
        "sine": lambda: np.sin(2 * np.pi * hz * time),
        "silence": lambda: np.zeros(size),
        "clipped": lambda: np.clip(9 * np.sin(2 * np.pi * hz * time), -1, 1),
        "constant": lambda: np.full(size, 0.5),
    }
    return made[kind]().astype(np.float32)


def excess(found: np.ndarray, waveform: np.ndarray, spec: LogMelSpec) -> float:
    """Largest error of a log-mel of ``waveform`` over what is allowed: at most 1 is right.

    `EXACT` is allowed, and beside a loud bin the noise that float32 has itself: in every bin one
    unit in the last place of the loudest magnitude that a frame can have.
    """
    expected = log_mel(waveform, spec)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    unit = spec.std * LOG_UNIT[spec.log]
    level = np.exp((expected + spec.mean / spec.std) * unit)
    bins = max(1e-9, mel_filters(spec).sum(axis=0).max())  # that a band adds up
    magnitude = (level / bins) ** (1 / spec.power)
    loudest = np.abs(waveform).max() * spec.win_length / 2
    allowed = EXACT + np.finfo(np.float32).eps * loudest / magnitude
    return float((np.abs(found - expected) * unit / allowed).max())


def buildable(spec: LogMelSpec) -> bool:
    """Whether any DFT bin lies in a band of ``spec``."""
    return bool(mel_filters(spec).any())
