import numpy as np
import pytest

from tests.distill.gather.debs import RATE, encoded, sweep
from tinyalm.audio import read
from tinyalm_distill.gather.patterns import SAME, SIZE, Known, pattern


def cosine(a, b):
    return float(pattern(*a) @ pattern(*b))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_recording_in_other_clothes_has_the_same_pattern(seed, tmp_path):
    wave = sweep(seed, 1.5)
    (tmp_path / "a.ogg").write_bytes(encoded(wave, "OGG"))
    padded = np.concatenate([np.zeros(1234, np.float32), wave, np.zeros(5000, np.float32)])
    for other in (
        (0.1 * wave, RATE),
        (padded, RATE),
        (read(tmp_path / "a.ogg", RATE), RATE),
        (read(wave, 2 * RATE, source_rate=RATE), 2 * RATE),
    ):
        assert cosine((wave, RATE), other) > SAME


def test_other_recordings_have_other_patterns():
    waves = [(sweep(seed), RATE) for seed in range(12)]
    cosines = [cosine(a, b) for i, a in enumerate(waves) for b in waves[:i]]
    assert max(cosines) < SAME


def test_silence_is_like_nothing():
    silence = pattern(np.zeros(RATE, np.float32), RATE)
    assert not silence.any()
    assert not Known([silence]).holds(silence)


def test_known_patterns_are_found_as_by_comparing_all():
    random = np.random.default_rng(0)

    def unit(table):
        return (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)

    patterns = unit(random.normal(size=(300, SIZE)))
    noise = random.normal(size=patterns.shape) * np.linspace(0, 0.4, 300)[:, None] / np.sqrt(SIZE)
    asked = unit(patterns + noise)
    known = Known(list(patterns[:100]), room=200)
    for new in patterns[100:]:
        known.add(new)
    found = [known.holds(one) for one in asked]
    assert found == (asked @ patterns.T > SAME).any(axis=1).tolist()
    assert 0 < sum(found) < 300
