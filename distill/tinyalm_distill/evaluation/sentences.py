"""How like captions are to references: BLEU, ROUGE-L and CIDEr-D, of words in lower case.

Punctuation counts for nothing and words are not stemmed, as in the metrics' common code.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm_distill.evaluation.bootstrap import Statistic

_WORD = re.compile(r"[\w']+")
_LONGEST = 4  # n-grams
_BETA = 1.2  # weight of recall in ROUGE-L
_SIGMA = 6.0  # words, of CIDEr-D's penalty on lengths

Gram = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """Its words in lower case."""
    return _WORD.findall(text.lower())


def bleu(said: Sequence[str], references: Sequence[Sequence[str]]) -> Statistic:
    """BLEU-4 of a corpus (Papineni et al. 2002), which is no mean over clips.

    Args:
        said: n captions.
        references: at least one of each.
    """
    counts = np.array(
        [
            _matches(words_of(text), list(map(words_of, refs)))
            for text, refs in _pairs(said, references)
        ],
        np.float64,
    )  # (n, 4 matches, 4 n-grams, length, length of the nearest reference)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = weights @ counts
        matches, grams = totals[:, :_LONGEST], totals[:, _LONGEST : 2 * _LONGEST]
        length, reference = totals[:, -2], totals[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.log(matches / grams).mean(axis=1)
            brevity = np.minimum(0.0, 1.0 - reference / length)
        return np.asarray(np.nan_to_num(np.exp(precision + brevity)))

    return statistic


def _matches(said: list[str], references: list[list[str]]) -> list[float]:
    matches, grams = [], []
    for n in range(1, _LONGEST + 1):
        mine = _grams(said, n)
        most: Counter[Gram] = Counter()
        for reference in references:
            most |= _grams(reference, n)
        matches.append(float((mine & most).total()))
        grams.append(float(mine.total()))
    nearest = min((abs(len(ref) - len(said)), len(ref)) for ref in references)[1]
    return [*matches, *grams, float(len(said)), float(nearest)]


def rouge_l(said: Sequence[str], references: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """ROUGE-L of each caption to its best references, (n,) (Lin 2004, eq. 2-4)."""
    found = []
    for text, refs in _pairs(said, references):
        mine = words_of(text)
        pairs = [(_common(mine, words_of(ref)), len(words_of(ref))) for ref in refs]
        precision = max((same / max(1, len(mine)) for same, _ in pairs), default=0.0)
        recall = max((same / max(1, length) for same, length in pairs), default=0.0)
        both = recall + _BETA**2 * precision
        found.append((1 + _BETA**2) * precision * recall / both if both else 0.0)
    return np.array(found)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for at, other in enumerate(b, 1):
            kept = row[at]
            row[at] = before + 1 if word == other else max(row[at], row[at - 1])
            before = kept
    return row[-1]


def cider_d(said: Sequence[str], references: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """CIDEr-D of each caption, (n,), from 0 to 10 (arXiv:1411.5726, eq. 4-5 of its section 4).

    A clip's references are a document; words that few clips have in theirs weigh more.
    """
    split = [[words_of(ref) for ref in refs] for refs in references]
    found = np.zeros(len(said))
    for n in range(1, _LONGEST + 1):
        documents = Counter(
            gram for refs in split for gram in {g for ref in refs for g in _grams(ref, n)}
        )
        rarity = {gram: np.log(len(said) / count) for gram, count in documents.items()}
        unseen = float(np.log(len(said)))
        for number, (text, refs) in enumerate(zip(said, split, strict=True)):
            mine = _weighed(words_of(text), n, rarity, unseen)
            likeness = [
                _clipped(mine, _weighed(ref, n, rarity, unseen))
                * np.exp(-((len(words_of(text)) - len(ref)) ** 2) / (2 * _SIGMA**2))
                for ref in refs
            ]
            found[number] += 10 / _LONGEST * float(np.mean(likeness))
    return found


def _weighed(
    words: list[str], n: int, rarity: dict[Gram, float], unseen: float
) -> dict[Gram, float]:
    return {gram: count * rarity.get(gram, unseen) for gram, count in _grams(words, n).items()}


def _clipped(mine: dict[Gram, float], theirs: dict[Gram, float]) -> float:
    """Cosine in which no word counts more often than in the reference."""
    norms = [np.sqrt(sum(value**2 for value in vector.values())) for vector in (mine, theirs)]
    if not min(norms):
        return 0.0
    product = sum(
        min(value, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, value in mine.items()
    )
    return float(product / (norms[0] * norms[1]))


def _grams(words: Sequence[str], n: int) -> Counter[Gram]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _pairs(
    said: Sequence[str], references: Sequence[Sequence[str]]
) -> list[tuple[str, Sequence[str]]]:
    return list(zip(said, references, strict=True))
