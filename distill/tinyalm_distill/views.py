"""Windows of recordings and their augmented views, each replayable from a seed.

A view is made twice from the same seed: once for the teacher, whose answer to it is cached, and
in every epoch for the student. So the teacher has always heard what its student hears ("a good
teacher is patient and consistent", arXiv:2106.05237; dataset reinforcement, arXiv:2311.17049).
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.random import Generator
from numpy.typing import NDArray

from tinyalm.windows import WindowRule
from tinyalm_distill.augment import filtered, mixed, noisy, respeed, reverberated
from tinyalm_distill.recipe import ViewsConfig
from tinyalm_distill.recordings import Recordings


class Window(Struct, frozen=True):
    """``length`` samples of a clip from ``start`` on, zero-padded where the clip ends."""

    clip: int
    start: int
    stop: int
    length: int


def cut_windows(recordings: Recordings, rule: WindowRule) -> list[Window]:
    """All windows of all clips under ``rule``, in order."""
    windows = []
    for clip in range(len(recordings)):
        for start, stop, samples in rule.cut([recordings.waveform(clip)], recordings.sample_rate):
            windows.append(Window(clip, start, stop, samples.size))
    return windows


class Views:
    """All views of all windows: view ``v`` of window ``w`` is number ``w * config.views + v``."""

    def __init__(
        self, recordings: Recordings, windows: Sequence[Window], config: ViewsConfig, seed: int
    ) -> None:
        """Describe the views; nothing is computed yet."""
        self.recordings, self.windows = recordings, windows
        self.config, self.seed = config, seed

    def __len__(self) -> int:
        return len(self.windows) * self.config.views

    def length(self, number: int) -> int:
        """Samples of a view."""
        return self.windows[number // self.config.views].length

    def clip(self, number: int) -> int:
        """The recording that a view is of."""
        return self.windows[number // self.config.views].clip

    def waveform(self, number: int) -> NDArray[np.float32]:
        """A view, (length,) float32; the same for the same number, always."""
        window_number, view = divmod(number, self.config.views)
        window = self.windows[window_number]
        if view == 0:
            sound = self.recordings.waveform(window.clip)[window.start : window.stop]
            return _placed(sound, window.length, 0)
        return self._augmented(window, np.random.default_rng([self.seed, window_number, view]))

    def _augmented(self, window: Window, draw: Generator) -> NDArray[np.float32]:
        config, rate = self.config, self.recordings.sample_rate
        waveform = self._heard(window, window.length, draw)
        if draw.random() < config.mix:
            waveform = mixed(
                waveform, self._other(window.length, draw), draw.uniform(*config.mix_db)
            )
        if draw.random() < config.splice:
            cut = int(window.length * draw.uniform(0.25, 0.75))
            waveform = np.concatenate([waveform[:cut], self._other(window.length, draw)[cut:]])
        if draw.random() < config.filter:
            waveform = filtered(waveform, rate, config.filter_db, draw)
        if draw.random() < config.reverb:
            waveform = reverberated(waveform, rate, draw)
        if draw.random() < config.noise:
            waveform = noisy(waveform, draw.uniform(*config.noise_db), draw.uniform(0, 2), draw)
        waveform = waveform * np.float32(10 ** (draw.uniform(*config.gain_db) / 20))
        return np.clip(waveform, -1, 1)  # as an analogue-to-digital converter does

    def _other(self, length: int, draw: Generator) -> NDArray[np.float32]:
        return self._heard(self.windows[int(draw.integers(len(self.windows)))], length, draw)

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
