from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.distill.sounds import RULE, make_sounds
from tinyalm.errors import ConfigError, DataError
from tinyalm.windows import WindowRule
from tinyalm_distill.batches import batches
from tinyalm_distill.manifest import read_manifest
from tinyalm_distill.recipe import TrainConfig, ViewsConfig
from tinyalm_distill.recordings import Recordings, decode
from tinyalm_distill.teachers import Answers
from tinyalm_distill.views import Views, cut_windows


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    folder = tmp_path_factory.mktemp("views")
    return decode(read_manifest(make_sounds(folder / "sounds")), 16000, folder / "cache")


def make(recordings: Recordings, seed: int = 0, **config: object) -> Views:
    return Views(recordings, cut_windows(recordings, RULE), ViewsConfig(**config), seed)


def ordered(views: Views, seed: int, **config: object) -> Iterator[list[int]]:
    embeddings = np.random.default_rng(0).standard_normal((len(views), 4)).astype(np.float32)
    return batches(views, TrainConfig(batch_size=4, **config), seed, Answers(embeddings))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), data=st.data())
def test_a_view_is_the_same_whenever_it_is_asked_for(
    recordings: Recordings, seed: int, data: st.DataObject
) -> None:
    views = make(recordings, seed)
    number = data.draw(st.integers(0, len(views) - 1))
    first = views.waveform(number)
    views.waveform((number + 1) % len(views))
    assert np.array_equal(first, views.waveform(number))
    assert first.dtype == np.float32
    assert first.shape == (views.length(number),)


def test_the_first_view_is_the_window_itself(recordings: Recordings) -> None:
    views = make(recordings, views=3)
    for number, window in enumerate(views.windows):
        plain = recordings.waveform(window.clip)[window.start : window.stop]
        assert np.array_equal(views.waveform(3 * number)[: plain.size], plain)
        assert not views.waveform(3 * number)[plain.size :].any()


def test_without_mixing_a_view_is_a_shifted_window_at_another_level(
    recordings: Recordings,
) -> None:
    views = make(recordings, views=2, mix=0.0, gain_db=(-6.0, -6.0))
    for number in range(1, len(views), 2):
        whole = recordings.waveform(views.windows[number // 2].clip)
        view = views.waveform(number)
        assert 0 < np.abs(view).max() <= np.abs(whole).max() * 10 ** (-6 / 20) * 1.001


def test_a_mix_holds_both_sounds_at_the_level_that_was_drawn(recordings: Recordings) -> None:
    quiet = {"views": 2, "gain_db": (0.0, 0.0)}
    alone = make(recordings, mix=0.0, **quiet)
    mixed = make(recordings, mix=1.0, mix_db=(0.0, 0.0), **quiet)
    louder = [
        np.square(mixed.waveform(n)).mean() / np.square(alone.waveform(n)).mean()
        for n in range(1, len(mixed), 2)
    ]
    assert np.median(louder) == pytest.approx(2.0, rel=0.25)  # equal powers of unlike tones add


@pytest.mark.parametrize("kind", ["mix", "splice", "respeed", "filter", "reverb", "noise"])
def test_every_augmentation_changes_the_sound_and_nothing_else(
    recordings: Recordings, kind: str
) -> None:
    none = {"views": 2, "gain_db": (0.0, 0.0), "mix": 0.0}
    plain, changed = make(recordings, **none), make(recordings, **(none | {kind: 1.0}))
    for number in range(0, len(plain), 2):
        assert np.array_equal(plain.waveform(number), changed.waveform(number))
    different = [
        not np.allclose(plain.waveform(n), changed.waveform(n), atol=1e-4)
        for n in range(1, len(plain), 2)
    ]
    assert np.mean(different) > 0.8
    for number in range(1, len(changed), 2):
        view = changed.waveform(number)
        assert view.dtype == np.float32
        assert view.shape == (changed.length(number),)
        assert np.abs(view).max() <= 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("mix", 1.5), ("reverb", -0.1), ("speed", (0.1, 1.0)), ("noise_db", (9.0, 1.0))],
)
def test_values_out_of_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=key):
        ViewsConfig(**{key: value})


def test_an_epoch_takes_one_view_of_every_window(recordings: Recordings) -> None:
    views = make(recordings, views=3)
    windows = len(views.windows)
    seen: list[int] = []
    order = ordered(views, seed=1)
    while len(seen) < windows:
        batch = next(order)
        assert len({views.length(number) for number in batch}) == 1
        assert 1 < len(batch) <= 4
        seen += batch
    assert len({number // 3 for number in seen}) == len(seen)


def test_windows_that_all_differ_in_length_are_too_few(recordings: Recordings) -> None:
    whole = make(recordings)
    one = Views(recordings, whole.windows[:1], whole.config, 0)
    with pytest.raises(DataError, match="too few recordings"):
        next(ordered(one, seed=0))


def test_the_order_depends_on_the_seed_alone(recordings: Recordings) -> None:
    views = make(recordings)
    first, again = (list(islice(ordered(views, seed=3), 50)) for _ in range(2))
    assert first == again
    assert first != list(islice(ordered(views, seed=4), 50))


@given(
    samples=st.integers(1, 40000),
    length_s=st.sampled_from([0.25, 0.5, 0.975]),
    hop=st.floats(0.1, 1.0),
)
def test_windows_are_where_the_rule_cuts_them(
    recordings: Recordings, samples: int, length_s: float, hop: float
) -> None:
    class One:
        """A recording of any length; nothing else of it is asked for."""

        sample_rate = 16000

        def __len__(self) -> int:
            return 1

        def samples(self, _clip: int) -> int:
            return samples

    rule = WindowRule(length_s=length_s, hop_s=hop * length_s, grid_s=0.1, min_s=0.2)
    expected = [
        (start, stop, window.size)
        for start, stop, window in rule.cut([np.zeros(samples, np.float32)], 16000)
    ]
    assert [(w.start, w.stop, w.length) for w in cut_windows(One(), rule)] == expected


def test_keys_follow_content_and_not_the_place_in_the_list(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    clips = read_manifest(make_sounds(folder / "sounds", per_word=6))
    forward, backward = (
        make(decode(some, 16000, folder / "cache"), views=3, splice=0.5)
        for some in (clips, clips[::-1])
    )
    sounds = {key: forward.waveform(n) for n, key in enumerate(forward.keys())}
    assert len(sounds) == len(forward)
    for number, key in enumerate(backward.keys()):
        assert np.array_equal(backward.waveform(number), sounds[key])


def test_a_clip_that_joins_changes_few_of_the_other_views(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("joins")
    clips = read_manifest(make_sounds(folder / "sounds", per_word=10))
    before, after = (
        make(decode(some, 16000, folder / "cache"), views=4, mix=1.0)
        for some in (clips[:-1], clips)
    )
    sounds = {key: after.waveform(n) for n, key in enumerate(after.keys())}
    kept = [(n, key) for n, key in enumerate(before.keys()) if key in sounds]
    joined = 1 - len(before.windows) / len(after.windows)
    assert 1 - 3 * joined < len(kept) / len(before) < 1
    for number, key in kept:
        assert np.array_equal(before.waveform(number), sounds[key])
