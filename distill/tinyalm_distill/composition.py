"""Sounds made of two, with texts that say how, and texts that are wrong in one thing alone.

Models trained on captions hear which sounds there are, and neither their order nor which of them is
loud (ACBA, arXiv:2303.10667; CompA, arXiv:2310.08753; T-CLAP, arXiv:2404.17806). What teaches and
what measures it is made here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.random import Generator
from numpy.typing import NDArray

from tinyalm.errors import ConfigError
from tinyalm_distill.augment import rms

LEVEL = 0.05  # root mean square that parts are brought to, so that neither drowns the other
FADE_S = 0.02  # over which one part gives way to the next, so that no click tells where
_QUIETER_DB = -15.0  # of what is quiet, or in the background
_SILENT = 1e-6

THEN = (
    "{} then {}",
    "{}, then {}",
    "{} followed by {}",
    "{} before {}",
    "first {}, then {}",
    "{}, and afterwards {}",
    "{1} after {0}",
)
WHILE = (
    "{} while {}",
    "{} and {} at the same time",
    "{} and {} together",
    "{} at once with {}",
    "{} during {}",
)
BEHIND = (
    "{} with {} in the background",
    "{} over distant {}",
    "{} in front of {}",
    "faint {1} behind {0}",
)
LOUD_THEN_QUIET = (
    "loud {} then quiet {}",
    "loud {}, followed by faint {}",
    "quiet {1} after loud {0}",
)
QUIET_THEN_LOUD = (
    "quiet {} then loud {}",
    "faint {}, followed by loud {}",
    "loud {1} after quiet {0}",
)


class Sound(Struct, frozen=True):
    """One event and its name.

    Attributes:
        waveform: (samples,) float32.
        label: a short phrase, such as "dog barking".
    """

    waveform: NDArray[np.float32]
    label: str


class Composition(Struct, frozen=True):
    """Two events in one recording.

    Attributes:
        waveform: (samples,) float32 in [-1, 1].
        text: says what is heard, and how the two go together.
        negatives: say the same words with one thing wrong: order, togetherness, or which is loud.
    """

    waveform: NDArray[np.float32]
    text: str
    negatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How two go together: a way to make it, to say it, and to say what it is not."""

    make: Callable[[NDArray[np.float32], NDArray[np.float32], int], NDArray[np.float32]]
    texts: tuple[str, ...]
    turned: bool  # whether it is wrong with the two the other way round
    others: tuple[tuple[str, ...], ...]  # texts of other kinds, wrong whichever way round


def compose(
    first: Sound, second: Sound, sample_rate: int, part_s: float, draw: Generator
) -> Composition:
    """One of the ways in which two sounds go together, drawn, and said in words that are drawn.

    In turn; at once; one in the background; and in turn with one quiet.

    Args:
        first: of any length that is not 0.
        second: likewise, with another label.
        sample_rate: Hz.
        part_s: seconds of each, at most; its loudest stretch.
        draw: gives kind and words.

    Raises:
        ConfigError: both have one label, so that no order is wrong, or one has no samples.
    """
    if first.label == second.label:
        raise ConfigError(f"two sounds named {first.label!r}: their order cannot be told")
    parts = [_part(sound, sample_rate, part_s) for sound in (first, second)]
    kind = _KINDS[int(draw.integers(len(_KINDS)))]
    template = _one(kind.texts, draw)
    names = first.label, second.label
    negatives = [_say(template, *names[::-1])] if kind.turned else []
    for texts in kind.others:
        wrong = _one(texts, draw)
        negatives += [_say(wrong, *names), _say(wrong, *names[::-1])]
    return Composition(
        waveform=kind.make(parts[0], parts[1], sample_rate),
        text=_say(template, *names),
        negatives=tuple(negatives),
    )


def loudest(waveform: NDArray[np.float32], sample_rate: int, part_s: float) -> NDArray[np.float32]:
    """The stretch of at most ``part_s`` seconds that has the most energy, (samples,)."""
    length = min(waveform.size, round(part_s * sample_rate))
    energy = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[: energy.size - length]))
    return waveform[start : start + length]


def levelled(waveform: NDArray[np.float32], level_db: float = 0.0) -> NDArray[np.float32]:
    """Brought to an RMS of `LEVEL`, and ``level_db`` above; silence stays silence."""
    gain = LEVEL * 10 ** (level_db / 20) / max(rms(waveform), _SILENT)
    return waveform * np.float32(gain)


def in_turn(
    first: NDArray[np.float32], second: NDArray[np.float32], sample_rate: int
) -> NDArray[np.float32]:
    """The first, then the second, cross-faded at constant power over `FADE_S`.

    Args:
        first: (samples,) float32.
        second: (samples,) float32.
        sample_rate: Hz.

    Returns:
        (samples of both less the cross-fade,) float32 in [-1, 1].
    """
    fade = min(round(FADE_S * sample_rate), first.size, second.size)
    angle = np.linspace(0, np.pi / 2, fade, dtype=np.float32)
    crossed = first[first.size - fade :] * np.cos(angle) + second[:fade] * np.sin(angle)
    return _within(np.concatenate([first[: first.size - fade], crossed, second[fade:]]))


def at_once(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of both from one start on, as long as the longer, (samples,) float32 in [-1, 1]."""
    mixed = np.zeros(max(first.size, second.size), np.float32)
    for part in (first, second):
        mixed[: part.size] += part
    return _within(mixed)


def _while(
    first: NDArray[np.float32], second: NDArray[np.float32], _rate: int
) -> NDArray[np.float32]:
    return at_once(levelled(first), levelled(second))


def _behind(
    first: NDArray[np.float32], second: NDArray[np.float32], _rate: int
) -> NDArray[np.float32]:
    return at_once(levelled(first), levelled(second, _QUIETER_DB))


def _then(
    first: NDArray[np.float32], second: NDArray[np.float32], rate: int
) -> NDArray[np.float32]:
    return in_turn(levelled(first), levelled(second), rate)


def _fading(
    first: NDArray[np.float32], second: NDArray[np.float32], rate: int
) -> NDArray[np.float32]:
    return in_turn(levelled(first), levelled(second, _QUIETER_DB), rate)


def _rising(
    first: NDArray[np.float32], second: NDArray[np.float32], rate: int
) -> NDArray[np.float32]:
    return in_turn(levelled(first, _QUIETER_DB), levelled(second), rate)


# "Quiet A then loud B" is no negative of "A then B" and so on: only what is surely wrong is one.
_KINDS = (
    _Kind(_then, THEN, turned=True, others=(WHILE,)),
    _Kind(_while, WHILE, turned=False, others=(THEN,)),
    _Kind(_behind, BEHIND, turned=True, others=(THEN,)),
    _Kind(_fading, LOUD_THEN_QUIET, turned=True, others=(QUIET_THEN_LOUD, WHILE)),
    _Kind(_rising, QUIET_THEN_LOUD, turned=True, others=(LOUD_THEN_QUIET, WHILE)),
)


def _part(sound: Sound, sample_rate: int, part_s: float) -> NDArray[np.float32]:
    if not sound.waveform.size:
        raise ConfigError(f"the sound named {sound.label!r} has no samples; leave it out")
    return loudest(sound.waveform, sample_rate, part_s)


def _say(template: str, first: str, second: str) -> str:
    return template.format(first, second)


def _one(texts: tuple[str, ...], draw: Generator) -> str:
    return texts[int(draw.integers(len(texts)))]


def _within(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return samples / np.float32(max(1.0, float(np.abs(samples).max(initial=0.0))))
