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

    def waveform(self, number: int) -> NDArray[np.float32]:
        """A view, (length,) float32; the same for the same number, always."""
        window_number, view = divmod(number, self.config.views)
        window = self.windows[window_number]
        if view == 0:
            return _placed(self._sound(window, 0), window.length, 0)
        draw = np.random.default_rng([self.seed, window_number, view])
        waveform = self._shifted(window, window.length, draw)
        if draw.random() < self.config.mix:
            other = self.windows[int(draw.integers(len(self.windows)))]
            waveform = _mixed(
                waveform,
                self._shifted(other, window.length, draw),
                float(draw.uniform(*self.config.mix_db)),
            )
        return waveform * np.float32(10 ** (draw.uniform(*self.config.gain_db) / 20))

    def _shifted(self, window: Window, length: int, draw: Generator) -> NDArray[np.float32]:
        """A window moved along its clip, or within its padding where the clip is shorter."""
        room = self.recordings.samples(window.clip) - (window.stop - window.start)
        reach = min(room, (window.stop - window.start) // 2)
        moved = int(draw.integers(-reach, reach + 1))
        sound = self._sound(window, moved)[:length]
        return _placed(sound, length, int(draw.integers(length - sound.size + 1)))

    def _sound(self, window: Window, moved: int) -> NDArray[np.float32]:
        last = self.recordings.samples(window.clip) - (window.stop - window.start)
        start = min(max(0, window.start + moved), last)
        stop = start + window.stop - window.start
        return self.recordings.waveform(window.clip)[start:stop]


def _placed(sound: NDArray[np.float32], length: int, offset: int) -> NDArray[np.float32]:
    placed = np.zeros(length, np.float32)
    placed[offset : offset + sound.size] = sound
    return placed


def _mixed(
    first: NDArray[np.float32], second: NDArray[np.float32], level_db: float
) -> NDArray[np.float32]:
    """The sum of two sounds with the first ``level_db`` louder (by RMS) than the second."""
    loudness = [np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (first, second)]
    if min(loudness) < 1e-6:
        return first
    gain = loudness[0] / loudness[1] * 10 ** (-level_db / 20)
    return first + np.float32(gain) * second
