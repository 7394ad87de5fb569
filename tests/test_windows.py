import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyalm.errors import ConfigError
from tinyalm.windows import WindowRule

RATE = 10


@st.composite
def rules(draw):
    length = draw(st.integers(1, 40))
    return WindowRule(
        length_s=length / RATE,
        hop_s=draw(st.integers(1, length)) / RATE,
        grid_s=draw(st.integers(1, 20)) / RATE,
        min_s=draw(st.integers(1, length)) / RATE,
    )


def cut(rule, samples, sizes=()):
    """Windows of the samples 1, 2, …, fed in blocks of ``sizes`` and a rest."""
    recording = np.arange(1, samples + 1, dtype=np.float32)
    return list(rule.cut(np.split(recording, np.cumsum(sizes)), RATE))


@given(rules(), st.integers(1, 300))
def test_every_sample_is_covered_and_stands_where_it_is_said_to(rule, samples):
    covered = np.zeros(samples, bool)
    for start, stop, window in cut(rule, samples):
        assert window.dtype == np.float32
        assert np.array_equal(window[: stop - start], np.arange(start, stop) + 1)
        assert not window[stop - start :].any()
        covered[start:stop] = True
    assert covered.all()


@given(rules(), st.integers(1, 300), st.lists(st.integers(0, 90), max_size=8))
def test_the_blocks_do_not_matter(rule, samples, sizes):
    whole, pieces = cut(rule, samples), cut(rule, samples, sizes)
    assert [w[:2] for w in whole] == [w[:2] for w in pieces]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(whole, pieces, strict=True))


@given(rules(), st.integers(1, 300))
def test_lengths_starts_and_the_end(rule, samples):
    length, hop = round(rule.length_s * RATE), round(rule.hop_s * RATE)
    windows = cut(rule, samples)
    starts = [start for start, _, _ in windows]
    assert windows[-1][1] == samples
    if samples < length:
        assert len(windows) == 1
        assert samples <= windows[0][2].size == rule.padded(samples, RATE) <= length
        return
    assert all(window.size == length for _, _, window in windows)
    assert starts[:-1] == [hop * i for i in range(len(starts) - 1)]
    assert starts[-1] == samples - length
    assert starts == sorted(set(starts))


def test_no_more_is_held_than_a_window_and_a_block():
    rule = WindowRule(length_s=2, hop_s=1, grid_s=1, min_s=1)
    fed = 0

    def blocks():
        nonlocal fed
        for _ in range(1000):
            fed += 5
            yield np.ones(5, np.float32)

    for _, stop, _ in rule.cut(blocks(), RATE):
        assert fed - stop <= 5


def test_nothing_gives_no_window():
    assert cut(WindowRule(length_s=2, hop_s=1, grid_s=1, min_s=1), 0) == []


def test_a_short_recording_is_padded_to_the_grid_and_the_shortest():
    rule = WindowRule(length_s=10, hop_s=5, grid_s=1, min_s=3)
    assert [rule.padded(n, RATE) for n in (1, 30, 31, 95, 100)] == [30, 30, 40, 100, 100]


@pytest.mark.parametrize(
    ("field", "value"), [("hop_s", 0), ("hop_s", 3), ("min_s", 0), ("min_s", 3), ("grid_s", 0)]
)
def test_a_rule_that_loses_samples_is_refused_with_its_value(field, value):
    fields = {"length_s": 2, "hop_s": 1, "grid_s": 1, "min_s": 1} | {field: value}
    with pytest.raises(ConfigError, match=f"{field} .*{value}"):
        WindowRule(**fields)
