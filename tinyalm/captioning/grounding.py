"""Which of several sentences the sound supports, without the parts that it does not."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import Calibration
from tinyalm.captioning.results import CaptionWord
from tinyalm.captioning.vocabulary import sentence
from tinyalm.scoring import probability

_SUPPORTED = 0.95  # least support of the best word of a part: unsure of all, one sound is said
_TEMPERATURE = 0.05  # of the softmax over cosines
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
    sentences: Sequence[Sequence[str]],
    heard: NDArray[np.float32],
    labels: NDArray[np.float32],
    embed: Embed,
    calibration: Calibration | None,
) -> tuple[list[str], list[CaptionWord]]:
    """Choose among sentences, and parts of them, what the sound supports.

    A part ends at a comma or at a word that joins two parts, as ``and`` does. It stays in its
    sentence if one of its words is supported; if none is, the part with the best word does. One
    that says nothing new goes, too, and so does a sentence that names nothing. Of what is left of
    the sentences, and of their parts alone, the one is chosen that is most like what the sound is
    believed to be: its projection onto labels and words, a softmax over cosines (DeCap,
    arXiv:2303.03032, section 3.3).

    Args:
        sentences: words of each, the likeliest sentence first; at least one.
        heard: (n, dim) float32 of unit length, the embeddings of what was heard, first as a whole;
            the one that supports a word most counts.
        labels: (m, dim) float32 of unit length, what else the sound may be.
        embed: texts to embeddings.
        calibration: cosine to probability.

    Returns:
        The words that are kept, and the words of their sentence that were checked.
    """
    sentences = [words for words in sentences if any(map(names_something, words))] or sentences
    asked = sorted({word for words in sentences for word in words if names_something(word)})
    if not asked:
        return list(sentences[0]), []
    rows = embed(asked)
    cosines = (rows @ heard.T).max(axis=1)
    found = dict(zip(asked, probability(cosines, calibration).tolist(), strict=True))
    ways: list[tuple[list[list[str]], list[bool]]] = []
    for words in sentences:
        parts = _parts(words)
        kept = _supported(parts, found)
        ways.append((parts, kept))
        if sum(kept) > 1:
            ways += [
                (parts, [at == n for n in range(len(parts))])
                for at in np.flatnonzero(kept).tolist()
            ]
    left = [_joined([part for part, stays in zip(*way, strict=True) if stays]) for way in ways]
    belief = _projection(heard[0], np.vstack([labels, rows]))
    best = int((embed([sentence(words) for words in left]) @ belief).argmax())
    checked = [
        CaptionWord(text=word, support=found[word], kept=stays)
        for part, stays in zip(*ways[best], strict=True)
        for word in part
        if word in found
    ]
    return left[best], checked


def _projection(row: NDArray[np.float32], bank: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of ``bank``, (n, dim), weighed by likeness to ``row``; its length says nothing."""
    weights = np.exp((bank @ row - 1.0) / _TEMPERATURE)
    return np.asarray(weights @ bank, np.float32)


def _supported(parts: Sequence[Sequence[str]], found: Mapping[str, float]) -> list[bool]:
    """Which parts stay, by the support that was ``found`` of their words."""
    best = [max((found[word] for word in part if word in found), default=0.0) for part in parts]
    least = min(_SUPPORTED, max(best))
    kept, said = [], set[str]()
    for part, support in zip(parts, best, strict=True):
        names = found.keys() & set(part)
        kept.append(support >= least and not (names and names <= said))
        said |= names if kept[-1] else set()
    return kept


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
