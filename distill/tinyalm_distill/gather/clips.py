"""Recordings cut into clips: at most ten seconds each, without silence around them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import blocks
from tinyalm.audio.sources import opened

CLIP_S = 10.0
SHORTEST_S = 0.3
_RATE = 32000  # Hz, the highest
_LONGEST_S = 90.0  # of a recording; what comes behind is not looked at
_FRAME_S = 0.01
_SILENT = 10 ** (-50 / 20)  # RMS of the loudest frame, from which on there is sound
_QUIET = 10 ** (-50 / 20)  # of the loudest frame's RMS, below which the ends are silence


class Sound(NamedTuple):
    """Mono samples, (samples,) float32 in [-1, 1], and their rate in Hz."""

    samples: NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


def decode(path: Path) -> Sound:
    """A recording's beginning, mixed to mono, at its own rate or 32 kHz if that is less.

    Raises:
        AudioError: it cannot be used.
    """
    with path.open("rb") as file:
        with opened(file, path.name) as recording:
            rate = min(recording.rate, _RATE)
        parts, seconds = [], 0.0
        for block in blocks(file, rate):
            parts.append(block)
            seconds += len(block) / rate
            if seconds >= _LONGEST_S:
                break
    return Sound(np.concatenate(parts), rate)


def excerpts(sound: Sound, most: int) -> Iterator[Sound]:
    """Cut a recording into clips, spread over it evenly.

    Args:
        sound: the recording.
        most: clips of one that is longer than a clip.

    Yields:
        Clips of `SHORTEST_S` to `CLIP_S` seconds, trimmed; what is nearly silent is left out.
    """
    whole = _trimmed(sound)
    length = round(CLIP_S * sound.rate)
    count = max(1, min(most, len(whole.samples) // length))
    last = max(0, len(whole.samples) - length)
    for start in np.linspace(0, last, count).astype(int) if count > 1 else (0,):
        clip = _trimmed(Sound(whole.samples[start : start + length], sound.rate))
        if clip.seconds >= SHORTEST_S:
            yield clip


def _trimmed(sound: Sound) -> Sound:
    """A sound without the silence at both its ends; empty where it is nearly silent."""
    frame = max(1, round(_FRAME_S * sound.rate))
    count = -(-len(sound.samples) // frame)
    padded = np.zeros(count * frame, np.float32)
    padded[: len(sound.samples)] = sound.samples
    level = np.sqrt(np.mean(padded.reshape(count, frame) ** 2, axis=1))
    loudest = level.max(initial=0.0)
    if loudest < _SILENT:
        return Sound(sound.samples[:0], sound.rate)
    heard = np.flatnonzero(level >= _QUIET * loudest)
    return Sound(sound.samples[heard[0] * frame : (heard[-1] + 1) * frame], sound.rate)
