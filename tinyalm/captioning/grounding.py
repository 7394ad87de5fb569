"""Which words of a sentence the sound supports, and the sentence without the parts it does not."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import Calibration
from tinyalm.captioning.results import CaptionWord
from tinyalm.scoring import probability

SUPPORT = 0.25  # least of the best word of a part that is kept
# Words that name no sound: a part of a sentence stands and falls with the others.
_NO_SOUND = """
    a an and the of in on at by to from with without while as is are be being was were it its  then
    followed after before during near nearby distance distant background foreground  something
    someone some several multiple various many few one two three four other another  again times
    time repeatedly continuously occasionally briefly once twice very slightly more  sound sounds
    sounding noise noises heard occurs occur plays present up down out off away  over into onto
    through around together that this there their them they which who all  loud loudly quiet quietly
    soft softly faint faintly high low pitched constant continuous  steady intermittent slow slowly
    fast quickly close far somewhere can or for until  each nothing
"""
_EMPTY = frozenset(_NO_SOUND.split())
_JOINTS = frozenset((",", ";", "and", "while", "as", "then", "followed", "with", "before", "after"))
_WORD = re.compile(r"[a-z]{3,}")

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def names_something(word: str) -> bool:
    """Whether a word is one that a sound can support."""
    return bool(_WORD.fullmatch(word)) and word not in _EMPTY


def ground(
    words: Sequence[str],
    heard: NDArray[np.float32],
    embed: Embed,
    calibration: Calibration | None,
) -> tuple[list[str], list[CaptionWord]]:
    """Take the parts out of a sentence that the sound does not support.

    A part ends at a comma or at a word that joins two parts, as ``and`` does. It is kept if one of
    its words is supported; if none is, the part with the best word is. One that says nothing new
    is taken out, too.

    Args:
        words: of the sentence.
        heard: (n, dim) float32 of unit length, the embeddings of what was heard; the one that
            supports a word most counts.
        embed: texts to embeddings.
        calibration: cosine to probability.

    Returns:
        The words that are kept, and the words that were checked.
    """
    asked = list(dict.fromkeys(filter(names_something, words)))
    if not asked:
        return list(words), []
    cosines = (embed(asked) @ heard.T).max(axis=1)
    found = dict(zip(asked, probability(cosines, calibration).tolist(), strict=True))
    parts = _parts(words)
    best = [max((found[word] for word in part if word in found), default=0.0) for part in parts]
    least = min(SUPPORT, max(best))
    kept = [support >= least for support in best]
    said: set[str] = set()
    for at, part in enumerate(parts):
        names = found.keys() & set(part)
        kept[at] = kept[at] and not (names and names <= said)
        said |= names if kept[at] else set()
    checked = [
        CaptionWord(text=word, support=found[word], kept=stays)
        for part, stays in zip(parts, kept, strict=True)
        for word in part
        if word in found
    ]
    left = [part for part, stays in zip(parts, kept, strict=True) if stays]
    return _joined(left), checked


def _parts(words: Sequence[str]) -> list[list[str]]:
    """The parts of a sentence, each beginning with what joins it to the one before."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in _JOINTS and any(map(names_something, parts[-1])):
            parts.append([])
        parts[-1].append(word)
    if len(parts) > 1 and not any(map(names_something, parts[-1])):
        last = parts.pop()
        parts[-1] += last
    return parts


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    """One sentence of what is left; its first part loses what joined it."""
    words = [word for part in parts for word in part]
    while words and words[0] in _JOINTS | {"by"}:
        words = words[1:]
    return words
