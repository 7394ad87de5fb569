"""Windows of recordings and their augmented views, each replayable from a seed.

A view is made twice from the same seed: once for the teacher, whose answer to it is cached, and
in every epoch for the student. So the teacher has always heard what its student hears ("a good
teacher is patient and consistent", arXiv:2106.05237; dataset reinforcement, arXiv:2311.17049).
"""

import hashlib
import struct
from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np
from msgspec import Struct
from numpy.random import Generator
from numpy.typing import NDArray

from tinyalm.windows import WindowRule
from tinyalm_distill.augment import filtered, mixed, noisy, respeed, reverberated
from tinyalm_distill.cache import Key, key_of
from tinyalm_distill.recipe import ViewsConfig
from tinyalm_distill.recordings import Recordings
from tinyalm_distill.ring import Ring

_VERSION = b"1"  # of how views are made: whoever changes that, or `augment`, counts on
_PARTNERS = 4  # random numbers of a view that say which windows join it
_BLOCK = 8192  # views that are planned at once


class Window(Struct, frozen=True):
    """``length`` samples of a clip from ``start`` on, zero-padded where the clip ends."""

    clip: int
    start: int
    stop: int
    length: int


def cut_windows(recordings: Recordings, rule: WindowRule) -> list[Window]:
    """All windows of all clips, in order, as ``rule`` cuts them; only their lengths are read."""
    rate = recordings.sample_rate
    length, hop = round(rule.length_s * rate), max(1, round(rule.hop_s * rate))
    windows = []
    for clip in range(len(recordings)):
        samples = recordings.samples(clip)
        windows += [
            Window(clip, start, start + length, length)
            for start in range(0, samples - length + 1, hop)
        ]
        if samples < length or (samples - length) % hop:
            size = min(samples, length)
            windows.append(Window(clip, samples - size, samples, rule.padded(size, rate)))
    return windows


class Views:
    """All views of all windows: view ``v`` of window ``w`` is number ``w * config.views + v``."""

    def __init__(
        self, recordings: Recordings, windows: Sequence[Window], config: ViewsConfig, seed: int
    ) -> None:
        """Describe the views; nothing is computed yet."""
        self.recordings, self.windows = recordings, windows
        self.config, self.seed = config, seed
        self._contents = [
            key_of(
                recordings.keys[window.clip],
                struct.pack("<3q", window.start, window.stop, window.length),
            )
            for window in windows
        ]

    def __len__(self) -> int:
        return len(self.windows) * self.config.views

    @property
    def sample_rate(self) -> int:
        """Of the waveforms, Hz."""
        return self.recordings.sample_rate

    def length(self, number: int) -> int:
        """Samples of a view."""
        return self.windows[number // self.config.views].length

    def clip(self, number: int) -> int:
        """The recording that a view is of."""
        return self.windows[number // self.config.views].clip

    def keys(self) -> list[Key]:
        """What every view depends on: the content of all windows in it, augmentation and seed."""
        count = self.config.views
        chosen = msgspec.structs.replace(self.config, views=1, hop_s=1.0)  # do not matter
        augmentation = _VERSION + msgspec.json.encode(chosen)
        keys = []
        for number, others in enumerate(self._others.tolist()):
            window, view = divmod(number, count)
            content = self._contents[window]
            if view:
                seeded = struct.pack("<4q", self.seed, view, *(other >= 0 for other in others))
                joined = [self._contents[other] for other in others if other >= 0]
                content = key_of(content, seeded, augmentation, *joined)
            keys.append(content)
        return keys

    def waveform(self, number: int) -> NDArray[np.float32]:
        """A view, (length,) float32; the same for the same content, window, view and seed."""
        window_number, view = divmod(number, self.config.views)
        window = self.windows[window_number]
        if view == 0:
            sound = self.recordings.waveform(window.clip)[window.start : window.stop]
            return _placed(sound, window.length, 0)
        draw = np.random.default_rng(list(self._numbers(number)[_PARTNERS:]))
        return self._augmented(window, self._others[number].tolist(), draw)

    def _augmented(self, window: Window, others: list[int], draw: Generator) -> NDArray[np.float32]:
        config, rate = self.config, self.recordings.sample_rate
        waveform = self._heard(window, window.length, draw)
        added, following = others
        if added >= 0:
            other = self._heard(self.windows[added], window.length, draw)
            waveform = mixed(waveform, other, draw.uniform(*config.mix_db))
        if following >= 0:
            cut = int(window.length * draw.uniform(0.25, 0.75))
            other = self._heard(self.windows[following], window.length, draw)
            waveform = np.concatenate([waveform[:cut], other[cut:]])
        if draw.random() < config.filter:
            waveform = filtered(waveform, rate, config.filter_db, draw)
        if draw.random() < config.reverb:
            waveform = reverberated(waveform, rate, draw)
        if draw.random() < config.noise:
            waveform = noisy(waveform, draw.uniform(*config.noise_db), draw.uniform(0, 2), draw)
        waveform = waveform * np.float32(10 ** (draw.uniform(*config.gain_db) / 20))
        return np.clip(waveform, -1, 1)  # as an analogue-to-digital converter does

    @cached_property
    def _others(self) -> NDArray[np.int32]:
        """The windows that each view is mixed with and that follow in it, (views, 2); -1 for none.

        Which, is drawn among all windows, but by their content alone (see `Ring`).
        """
        others = np.full((len(self), 2), -1, np.int32)
        ring = Ring([int.from_bytes(content[:8], "little") for content in self._contents])
        numbers = [n for n in range(len(self)) if n % self.config.views]
        for start in range(0, len(numbers), _BLOCK):
            rows = np.array(numbers[start : start + _BLOCK])
            drawn = np.array([self._numbers(int(row)) for row in rows], np.uint64)
            for kind, probability in enumerate((self.config.mix, self.config.splice)):
                chosen = (drawn[:, 2 * kind] >> np.uint64(11)) * 2.0**-53 < probability
                others[rows[chosen], kind] = ring.nearest(drawn[chosen, 2 * kind + 1])
        return others

    def _numbers(self, number: int) -> tuple[int, ...]:
        """Random numbers of 64 bits that depend on a view's own window, its number and the seed."""
        window, view = divmod(number, self.config.views)
        seeded = self._contents[window] + struct.pack("<2q", self.seed, view)
        return struct.unpack("<8Q", hashlib.blake2b(seeded).digest())

    def _heard(self, window: Window, length: int, draw: Generator) -> NDArray[np.float32]:
        """A window moved along its clip, perhaps at another speed, within its padding if any."""
        factor = 1.0
        if draw.random() < self.config.respeed:
            factor = float(np.exp(draw.uniform(*np.log(self.config.speed))))
        samples = self.recordings.samples(window.clip)
        wanted = min(samples, round((window.stop - window.start) * factor))
        reach = (window.stop - window.start) // 2
        start = min(max(0, window.start + int(draw.integers(-reach, reach + 1))), samples - wanted)
        sound = self.recordings.waveform(window.clip)[start : start + wanted]
        if factor != 1.0:
            sound = respeed(sound, factor)
        sound = sound[:length]
        return _placed(sound, length, int(draw.integers(length - sound.size + 1)))


def _placed(sound: NDArray[np.float32], length: int, offset: int) -> NDArray[np.float32]:
    placed = np.zeros(length, np.float32)
    placed[offset : offset + sound.size] = sound
    return placed
