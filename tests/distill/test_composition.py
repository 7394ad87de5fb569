import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import RATE, tone
from tinyalm.errors import ConfigError
from tinyalm_distill.augment import rms
from tinyalm_distill.composition import (
    BEHIND,
    FADE_S,
    LEVEL,
    LOUD_THEN_QUIET,
    QUIET_THEN_LOUD,
    THEN,
    WHILE,
    Composition,
    Sound,
    at_once,
    compose,
    in_turn,
    levelled,
    loudest,
)

PART_S = 0.5
HUM, HISS = Sound(tone(250, 1.0), "hum"), Sound(tone(5000, 0.8) / 7, "hiss")


def drawn(seed: int) -> Composition:
    return compose(HUM, HISS, RATE, PART_S, np.random.default_rng(seed))


def level_db(waveform: np.ndarray, hz: int) -> float:
    """Of a tone of `hz` in a waveform, dB below full scale."""
    phase = 2 * np.pi * hz * np.arange(waveform.size) / RATE
    return float(20 * np.log10(abs(np.mean(waveform * np.exp(-1j * phase))) * 2 + 1e-9))


def heard(waveform: np.ndarray) -> str:
    """How hum and hiss go together, by ear."""
    half = waveform.size // 2
    hum = [level_db(part, 250) for part in (waveform[:half], waveform[-half:])]
    hiss = [level_db(part, 5000) for part in (waveform[:half], waveform[-half:])]
    if min(hum) > -40 and hum[0] - hiss[0] > 10:
        return "behind"
    if min(hum) > -40:
        return "while"
    assert hum[0] > hum[1] + 10
    assert hiss[1] > hiss[0] + 10
    apart = hum[0] - hiss[1]
    return "then" if abs(apart) < 3 else "fading" if apart > 0 else "rising"


TEXTS = {
    "then": THEN,
    "while": WHILE,
    "behind": BEHIND,
    "fading": LOUD_THEN_QUIET,
    "rising": QUIET_THEN_LOUD,
}


def said(text: str) -> set[tuple[str, str, str]]:
    """What a text may say: kind, first and second."""
    return {
        (kind, *names)
        for kind, templates in TEXTS.items()
        for template in templates
        for names in (("hum", "hiss"), ("hiss", "hum"))
        if template.format(*names) == text
    }


def test_texts_say_what_is_heard_and_negatives_do_not() -> None:
    kinds = set()
    for seed in range(120):
        made = drawn(seed)
        kind = heard(made.waveform)
        kinds.add(kind)
        assert said(made.text) == {(kind, "hum", "hiss")}
        assert made.negatives
        assert len(set(made.negatives)) == len(made.negatives)
        for wrong in made.negatives:
            ((other, first, _),) = said(wrong)
            assert (other, first) != (kind, "hum"), (made.text, wrong)
            assert not (kind == other == "while"), wrong  # true whichever is named first
    assert kinds == set(TEXTS)


def test_every_phrasing_is_used() -> None:
    texts = {drawn(seed).text for seed in range(600)}
    assert len(texts) == sum(map(len, TEXTS.values()))


def test_negatives_hold_the_same_names() -> None:
    for seed in range(30):
        made = drawn(seed)
        for text in (made.text, *made.negatives):
            assert sorted(re.findall("hum|hiss", text)) == ["hiss", "hum"]


def test_order_is_a_negative_of_every_order() -> None:
    for seed in range(60):
        made = drawn(seed)
        if heard(made.waveform) == "then":
            ((kind, first, second),) = said(made.text)
            assert any(said(wrong) == {(kind, second, first)} for wrong in made.negatives)


def test_the_same_draw_gives_the_same() -> None:
    one, other = drawn(5), drawn(5)
    assert np.array_equal(one.waveform, other.waveform)
    assert (one.text, one.negatives) == (other.text, other.negatives)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two sounds named 'hum'"):
        compose(HUM, HUM, RATE, PART_S, np.random.default_rng(0))


def test_no_samples_are_refused() -> None:
    empty = Sound(np.zeros(0, np.float32), "nothing")
    with pytest.raises(ConfigError, match="'nothing' has no samples"):
        compose(HUM, empty, RATE, PART_S, np.random.default_rng(0))


def test_the_cross_fade_keeps_the_power_and_both_ends() -> None:
    draw = np.random.default_rng(0)
    first, second = (draw.normal(0, 0.05, RATE).astype("f4") for _ in range(2))
    made = in_turn(first, second, RATE)
    fade = round(FADE_S * RATE)
    assert made.size == 2 * RATE - fade
    assert np.array_equal(made[: RATE - fade], first[:-fade])
    assert np.array_equal(made[RATE:], second[fade:])
    assert rms(made[RATE - fade : RATE]) == pytest.approx(0.05, rel=0.15)


def test_very_short_parts_are_joined_all_the_same() -> None:
    assert in_turn(np.ones(3, "f4"), np.ones(5, "f4"), RATE).size == 5


def test_at_once_lasts_as_long_as_the_longer() -> None:
    made = at_once(np.full(2, 0.25, "f4"), np.full(4, 0.5, "f4"))
    assert made.tolist() == [0.75, 0.75, 0.5, 0.5]


@settings(deadline=None, max_examples=25)
@given(st.floats(0.01, 100))
def test_nothing_is_clipped(gain: float) -> None:
    loud = np.full(1000, gain, "f4")
    for made in (in_turn(loud, loud, RATE), at_once(loud, loud)):
        assert np.abs(made).max() <= 1 + 1e-6


def test_the_loudest_stretch() -> None:
    waveform = np.zeros(RATE, "f4")
    waveform[9000:10000] = 0.5
    assert np.array_equal(loudest(waveform, RATE, 1000 / RATE), np.full(1000, 0.5, "f4"))
    assert loudest(waveform, RATE, 5.0).size == RATE


def test_levels() -> None:
    assert rms(levelled(tone(440, 0.5))) == pytest.approx(LEVEL)
    assert rms(levelled(tone(440, 0.5), -20.0)) == pytest.approx(LEVEL / 10)
    assert not levelled(np.zeros(10, "f4")).any()
