import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.front_ends import signal, signals, specs
from tinyalm.errors import ConfigError
from tinyalm.frontend import PRESETS, LogMelSpec, MelBand, log_mel, preset

PLAIN = LogMelSpec(
    sample_rate=16000, n_fft=512, win_length=400, hop_length=160, f_max=8000.0, log_offset=1e-5
)
CENTRED = replace(PLAIN, center=True)
INFINITE, NOTHING = float("inf"), float("nan")
NARROW = MelBand(0, (1.0,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": 0}, "sample_rate is 0; it must be from 1 to 1000000"),
        ({"sample_rate": 2_000_000}, "sample_rate is 2000000"),
        ({"n_fft": 0}, "n_fft is 0; it must be from 1 to 65536"),
        ({"n_fft": 1 << 17}, "n_fft is 131072; it must be from 1 to 65536"),
        ({"n_fft": 511}, "n_fft is 511; it must be a product of 2, 3 and 5"),
        ({"win_length": 0}, "win_length is 0"),
        ({"win_length": 513}, "win_length 513 is longer than n_fft 512"),
        ({"hop_length": 0}, "hop_length is 0; it must be from 1 to 1048576"),
        ({"n_mels": 0}, "n_mels is 0; it must be from 1 to 1024"),
        ({"n_mels": 1025}, "n_mels is 1025"),
        ({"preemphasis": 1.0}, "preemphasis is 1; it must be from 0 to below 1"),
        ({"preemphasis": -0.5}, "preemphasis is -0.5"),
        ({"preemphasis": NOTHING}, "preemphasis is nan"),
        ({"drop_last": True}, "drop_last needs center"),
        ({"drop_last": True, "center": True, "hop_length": 257}, "it is 257.* = 256"),
        ({"mel_sample_rate": 0}, "mel_sample_rate is 0; it must be from 1 to 1000000"),
        ({"f_min": -1.0}, "f_min -1 and f_max 8000 must satisfy 0 <= f_min < f_max <= 8000 Hz"),
        ({"f_min": 8000.0}, "f_min 8000 and f_max 8000"),
        ({"f_max": 8001.0}, "f_max 8001 must satisfy .* <= 8000 Hz"),
        ({"mel_sample_rate": 15000}, "f_max 8000 must satisfy .* <= 7500 Hz"),
        ({"f_max": NOTHING}, "f_max nan"),
        ({"mel_bands": (NARROW,) * 3}, "mel_bands has 3 bands and n_mels is 64"),
        (
            {"n_mels": 1, "mel_bands": (MelBand(256, (1.0, 1.0)),)},
            "mel band 0 covers bins 256 to 257 of 0 to 256",
        ),
        ({"n_mels": 1, "mel_bands": (MelBand(-1, (1.0,)),)}, "mel band 0 covers bins -1 to -1"),
        (
            {"n_mels": 2, "mel_bands": (NARROW, MelBand(0, (-1.0,)))},
            "mel band 1 has a weight that is negative or not finite",
        ),
        ({"n_mels": 1, "mel_bands": (MelBand(0, (INFINITE,)),)}, "mel band 0 has a weight"),
        ({"n_mels": 1, "mel_bands": (MelBand(0, (NOTHING,)),)}, "mel band 0 has a weight"),
        ({"log_offset": 0.0}, "log_offset 0 and log_floor 0 must add up to at least 1e-30"),
        ({"log_offset": -1e-5}, "log_offset -1e-05 and log_floor 0 must not be below 0"),
        ({"log_floor": -1.0}, "log_floor -1 must not be below 0"),
        ({"log_floor": INFINITE}, "log_floor inf must add up"),
        ({"log_offset": NOTHING}, "log_offset nan"),
        ({"top_db": 0.0}, "top_db is 0; it must be above 0"),
        ({"top_db": INFINITE}, "top_db is inf"),
        ({"mean": INFINITE}, "mean inf must be finite and std 1 above 0"),
        ({"std": 0.0}, "mean 0 must be finite and std 0 above 0"),
        ({"std": NOTHING}, "std nan above 0"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_value(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(PLAIN, **changes)


@pytest.mark.parametrize("text", [b'{"window": "hamming"}', b'{"power": 3}', b'{"windw": "hann"}'])
def test_a_file_with_an_unknown_setting_is_refused(text):
    given = msgspec.json.decode(msgspec.json.encode(PLAIN)) | msgspec.json.decode(text)
    with pytest.raises(msgspec.ValidationError, match=next(iter(msgspec.json.decode(text)))):
        msgspec.convert(given, LogMelSpec)


def test_a_preset_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match=r"named 'wisper-80'; there are: yamnet, .*whisper-80"):
        preset("wisper-80")
    assert preset("whisper-80") is PRESETS["whisper-80"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_front_end_survives_its_file(name):
    spec = PRESETS[name]
    again = msgspec.json.decode(msgspec.json.encode(spec), type=LogMelSpec)
    assert again == spec
    assert again.digest() == spec.digest()


def test_every_front_end_has_a_digest_of_its_own():
    digests = {spec.digest() for spec in PRESETS.values()}
    assert len(digests) == len(PRESETS)
    assert all(len(digest) == 16 and set(digest) <= set("0123456789abcdef") for digest in digests)


def test_the_digest_names_what_differs_from_the_defaults_only():
    # What is stored in bundles: another value here orphans them.
    assert PRESETS["edge-16k"].digest() == "dc0ef82c9a37f828"
    defaults = {"window": "hann", "mean": 0.0, "std": 1.0, "top_db": None, "mel_bands": None}
    assert replace(PLAIN, **defaults).digest() == PLAIN.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"window": "hann-symmetric"},
        {"round_int16": True},
        {"preemphasis": 0.97},
        {"pad_mode": "constant"},
        {"drop_last": True},
        {"power": 1},
        {"mel_scale": "slaney"},
        {"mel_shape": "mel"},
        {"mel_norm": "slaney"},
        {"mel_sample_rate": 32000},
        {"mel_bands": (NARROW,) * 64},
        {"log": "db"},
        {"log_floor": 1e-9},
        {"log_offset": 1e-9},
        {"top_db": 80.0},
        {"mean": -4.0},
        {"std": 4.0},
    ],
)
def test_every_switch_changes_the_digest_and_the_log_mel(change):
    plain = replace(CENTRED, log_offset=0.0, log_floor=1e-10)
    changed = replace(plain, **change)
    assert changed.digest() != plain.digest()
    waveform = np.concatenate([signal("noise", 3000), signal("silence", 3000)])
    found, before = log_mel(waveform, changed), log_mel(waveform, plain)
    assert found.shape != before.shape or np.abs(found - before).max() > 1e-6


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_frames_are_counted_as_they_are_made(data):
    spec = data.draw(specs())
    waveform = data.draw(signals(spec))
    heard = waveform.size - (spec.preemphasis > 0) + 2 * spec.padding
    starts = range(0, heard - spec.frame_length + 1, spec.hop_length)
    count = max(0, len(starts) - spec.drop_last) if heard > 2 * spec.padding else 0
    assert spec.frames(waveform.size) == count
    found = log_mel(waveform, spec)
    assert found.shape == (count, spec.n_mels)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        (PLAIN, {0: 0, 1: 0, 399: 0, 400: 1, 559: 1, 560: 2, 16000: 98}),
        (CENTRED, {0: 0, 1: 1, 159: 1, 160: 2, 16000: 101}),
        (replace(CENTRED, drop_last=True), {1: 0, 159: 0, 160: 1, 16000: 100}),
        (replace(PLAIN, preemphasis=0.5), {400: 0, 401: 1, 561: 2}),
        (replace(CENTRED, preemphasis=0.5), {0: 0, 1: 0, 2: 1, 160: 1, 161: 2}),
        (replace(PLAIN, n_fft=400, win_length=400, hop_length=1000), {400: 1, 1399: 1, 1400: 2}),
        (PRESETS["whisper-80"], {480000: 3000}),
        (PRESETS["clap-htsat-fused"], {480000: 1001}),
        (PRESETS["yamnet"], {15600: 96}),
    ],
)
def test_frames_of_known_sizes(spec, counts):
    assert {samples: spec.frames(samples) for samples in counts} == counts
    for samples, count in counts.items():
        assert log_mel(np.zeros(samples), spec).shape == (count, spec.n_mels)
