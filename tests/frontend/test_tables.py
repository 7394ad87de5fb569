import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from tests.front_ends import signal
from tinyalm.errors import ConfigError
from tinyalm.frontend import (
    PRESETS,
    LogMelSpec,
    log_mel,
    mel_bands,
    mel_filters,
    window,
    with_mel_filters,
)

PLAIN = LogMelSpec(
    sample_rate=16000, n_fft=512, win_length=400, hop_length=160, f_max=8000.0, log_offset=1e-5
)
INFINITE, NOTHING = float("inf"), float("nan")


def test_windows_are_periodic_or_symmetric():
    periodic, symmetric = window(PLAIN), window(replace(PLAIN, window="hann-symmetric"))
    np.testing.assert_allclose(periodic[1:], periodic[:0:-1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(symmetric, symmetric[::-1], rtol=0, atol=1e-15)
    assert (periodic[0], periodic[200], symmetric[-1]) == (0.0, 1.0, pytest.approx(0.0, abs=1e-15))
    assert window(replace(PLAIN, win_length=1, window="hann-symmetric")).tolist() == [0.0]


@pytest.mark.parametrize("name", PRESETS)
def test_a_filter_bank_survives_being_stored(name):
    spec = PRESETS[name]
    stored = with_mel_filters(spec, mel_filters(spec))
    np.testing.assert_array_equal(mel_filters(stored), mel_filters(spec))
    assert mel_bands(stored) == stored.mel_bands == mel_bands(spec)
    again = msgspec.json.decode(msgspec.json.encode(stored), type=LogMelSpec)
    assert again == stored
    waveform = signal("noise", 3000)
    np.testing.assert_array_equal(log_mel(waveform, again), log_mel(waveform, spec))


def test_a_given_filter_bank_may_have_gaps_and_empty_bands():
    spec = replace(PLAIN, n_mels=3)
    filters = np.zeros((257, 3))
    filters[[3, 7, 256], 0] = 0.5, 2.0, 1.0
    filters[0, 2] = 1.0
    given = with_mel_filters(spec, filters.astype(np.float32))
    np.testing.assert_array_equal(mel_filters(given), filters)
    assert [len(band.weights) for band in mel_bands(given)] == [254, 0, 1]
    empty = log_mel(signal("noise", 1000), given)[:, 1]
    np.testing.assert_allclose(empty, np.log(1e-5), rtol=1e-12)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (np.zeros((64, 257)), r"shape \(64, 257\); this front end's is \(257, 64\)"),
        (np.zeros(257), r"shape \(257,\)"),
        (np.full((257, 64), -0.5), "mel band 0 has a weight that is negative"),
        (np.full((257, 64), NOTHING), "mel band 0 has a weight"),
        (np.full((257, 64), INFINITE), "mel band 0 has a weight"),
    ],
)
def test_a_filter_bank_that_does_not_fit_is_refused(filters, message):
    with pytest.raises(ConfigError, match=message):
        with_mel_filters(PLAIN, filters)


@pytest.mark.parametrize("table", [window, mel_filters])
def test_tables_cannot_be_written_to(table):
    with pytest.raises(ValueError, match="read-only"):
        table(PLAIN)[0] = 1.0
