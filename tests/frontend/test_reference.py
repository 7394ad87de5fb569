import numpy as np
import pytest
from msgspec.structs import replace

from tests.front_ends import KINDS, signal
from tinyalm.frontend import PRESETS, LogMelSpec, log_mel, mel_filters, with_mel_filters

PLAIN = LogMelSpec(
    sample_rate=16000, n_fft=512, win_length=400, hop_length=160, f_max=8000.0, log_offset=1e-5
)
CENTRED = replace(PLAIN, center=True)


@pytest.mark.parametrize("name", PRESETS)
def test_silence_is_the_logarithm_of_what_is_never_undercut(name):
    spec = PRESETS[name]
    lowest = (np.log(spec.log_floor + spec.log_offset) * spec.log_unit - spec.mean) / spec.std
    np.testing.assert_allclose(log_mel(np.zeros(spec.sample_rate), spec), lowest, rtol=1e-12)
    assert log_mel(signal("noise", spec.sample_rate), spec).min() >= lowest


@pytest.mark.parametrize("name", PRESETS)
def test_a_tone_is_loudest_in_the_bands_it_lies_in(name):
    spec = PRESETS[name]
    bin_1_khz = round(1000 * spec.n_fft / spec.sample_rate)
    tone = np.sin(2 * np.pi * bin_1_khz / spec.n_fft * np.arange(spec.sample_rate))
    middle = log_mel(tone, spec)[spec.frames(tone.size) // 2]
    neighbours = mel_filters(spec)[bin_1_khz - 1 : bin_1_khz + 2]
    assert neighbours[:, middle.argmax()].any()


@pytest.mark.parametrize(("power", "scale"), [(2, 2.0), (1, 1.0)])
def test_the_level_of_a_tone_is_the_windows_sum_over_two(power, scale):
    spec = replace(PLAIN, n_fft=480, win_length=480, n_mels=1, power=power, log_offset=1e-20)
    at_bin_30 = with_mel_filters(spec, np.eye(241)[:, [30]])
    tone = 0.5 * np.sin(2 * np.pi * 30 / 480 * np.arange(2000))
    np.testing.assert_allclose(log_mel(tone, at_bin_30), scale * np.log(0.5 * 480 / 4), rtol=1e-12)


def test_units_mean_and_std_are_applied_last():
    waveform = signal("noise", 4000)
    natural = log_mel(waveform, PLAIN)
    decibels = log_mel(waveform, replace(PLAIN, log="db"))
    np.testing.assert_allclose(decibels, 10 * natural / np.log(10), rtol=1e-12)
    log10 = log_mel(waveform, replace(PLAIN, log="log10", mean=-4.0, std=5.0))
    np.testing.assert_allclose(log10, (natural / np.log(10) + 4) / 5, rtol=1e-12)


@pytest.mark.parametrize("log", ["natural", "log10", "db"])
def test_top_db_lifts_what_is_further_below_the_loudest_value(log):
    plain = replace(PLAIN, log=log, log_offset=0.0, log_floor=1e-10)
    waveform = signal("noise", 8000) * np.linspace(1, 0, 8000) ** 8
    level = log_mel(waveform, plain)
    unit = {"natural": np.log(10) / 10, "log10": 0.1, "db": 1.0}[log]  # of one dB
    lowest = level.max() - 40 * unit
    assert level.min() < lowest
    clamped = log_mel(waveform, replace(plain, top_db=40.0, mean=-1.0, std=2.0))
    np.testing.assert_allclose(clamped, (np.maximum(level, lowest) + 1) / 2, rtol=1e-12)


def test_preemphasis_takes_one_sample():
    waveform = signal("noise", 4000).astype(np.float64)
    plain = log_mel(waveform[1:] - 0.9 * waveform[:-1], CENTRED)
    np.testing.assert_array_equal(log_mel(waveform, replace(CENTRED, preemphasis=0.9)), plain)


def test_rounding_to_16_bits_clips_and_drops_the_fraction():
    waveform = np.concatenate([np.linspace(-1.5, 1.5, 3001), signal("sine", 2000)])
    whole = np.trunc(np.clip(waveform.astype(np.float32), -1, 1) * np.float32(32767))
    rounded = log_mel(whole.astype(np.int16) / 32767, PLAIN)
    np.testing.assert_array_equal(log_mel(waveform, replace(PLAIN, round_int16=True)), rounded)


@pytest.mark.parametrize("pad_mode", ["reflect", "constant"])
def test_centred_frames_are_frames_of_the_padded_sound(pad_mode):
    uncentred = replace(PLAIN, win_length=512)
    for size in (1, 100, 257, 4000):
        waveform = signal("noise", size)
        plain = log_mel(np.pad(waveform, 256, mode=pad_mode), uncentred)
        centred = log_mel(waveform, replace(uncentred, center=True, pad_mode=pad_mode))
        np.testing.assert_array_equal(centred, plain)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_know_nothing_of_what_comes_before_or_after_them(kind):
    waveform = signal(kind, 4000)
    whole = log_mel(waveform, PLAIN)
    np.testing.assert_array_equal(log_mel(waveform[160:], PLAIN), whole[1:])
    np.testing.assert_array_equal(log_mel(waveform[:2000], PLAIN), whole[: PLAIN.frames(2000)])
