"""The texts that a text student is taught with, and the vocabulary that it keeps."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

_WORD = re.compile(r"[a-z]{3,}")
_DOES = re.compile(r"[a-z]{2,}ing")
_LATIN = re.compile(r"(##)?[a-z0-9'.,!?;:()\"/&+-]+")
_SHORT = 4  # words of a label
# How people write labels and queries: one thing, two things, a thing in a place.
_ONE = (
    "a {}",
    "the {}",
    "{} sound",
    "{} noise",
    "sound of a {}",
    "the sound of {}",
    "a recording of {}",
    "someone using a {}",
    "loud {}",
    "distant {}",
    "{} nearby",
    "{} in the background",
)
_TWO = (
    "{} and {}",
    "{}, {}",
    "{} then {}",
    "{} followed by {}",
    "{} while {}",
    "{} with {} in the background",
)
_DOING = ("{thing} {doing}", "a {thing} {doing}", "{doing} {thing}", "a {thing} is {doing}")
_PLACES = (
    *("kitchen", "street", "room", "forest", "park", "station", "office", "car", "church"),
    *("bathroom", "factory", "garden", "crowd", "restaurant", "stadium", "tunnel", "field"),
)


def make_phrases(known: Sequence[str], tokenizer: Tokenizer, count: int, seed: int) -> list[str]:
    """Texts to teach: the known ones, every word of the vocabulary, and combinations.

    Args:
        known: labels and captions; these come first, each once.
        tokenizer: the teacher's, whose words are combined; its ids are in order of frequency.
        count: combinations to draw, in the manner of labels ("barking dog", "rain in a tunnel")
            and of captions ("a drum, followed by applause").
        seed: of the draws.

    Returns:
        Distinct texts, in an order that depends on nothing but the arguments.
    """
    words = [word for word in _by_id(tokenizer.get_vocab()) if _WORD.fullmatch(word)]
    combined = itertools.islice(_Combinations(known, words, seed), count)
    return list(dict.fromkeys(itertools.chain(known, words, combined)))


class _Combinations:
    """Draws texts from known ones and words; the same ones for the same seed."""

    def __init__(self, known: Sequence[str], words: Sequence[str], seed: int) -> None:
        self._draw, self._words = np.random.default_rng(seed), words
        self._short = [text for text in known if len(text.split()) <= _SHORT] or list(words)
        heard = {word for text in known for word in text.split()}
        self._doing = sorted(word for word in heard if _DOES.fullmatch(word))

    def __iter__(self) -> Iterator[str]:
        while True:
            kind = self._draw.random()
            if kind < 0.3:
                yield self._one(_ONE).format(self._thing())
            elif kind < 0.6:
                yield self._one(_TWO).format(self._thing(), self._thing())
            elif kind < 0.75:
                yield f"{self._thing()} in a {self._one(_PLACES)}"
            elif kind < 0.9:
                yield f"{self._word()} {self._word()}"
            else:
                yield self._thing()

    def _thing(self) -> str:
        kind = self._draw.random()
        if kind < 0.4:
            return self._one(self._short)
        if kind < 0.7 or not self._doing:
            return self._word()
        return self._one(_DOING).format(thing=self._word(), doing=self._one(self._doing))

    def _word(self) -> str:
        return self._words[int(len(self._words) * self._draw.random() ** 2)]  # frequent ones more

    def _one(self, texts: Sequence[str]) -> str:
        return texts[int(self._draw.integers(len(texts)))]


def trim_tokenizer(
    tokenizer: Tokenizer, known: Sequence[str], most: int
) -> tuple[Tokenizer, list[str]]:
    """A WordPiece tokenizer with fewer tokens, and those tokens in id order.

    Only tokens of Latin letters, digits and punctuation are kept. Single characters always are, so
    that every English word still splits into known pieces. What room is left goes in turn to the
    token that ``known`` uses most and to the one that is most frequent in the language.

    Args:
        tokenizer: the teacher's; its ids are in order of frequency, as BERT's are.
        known: texts that the student should do well on.
        most: tokens in all, beside the special ones and the single characters.
    """
    config = json.loads(tokenizer.to_str())
    vocabulary: dict[str, int] = config["model"]["vocab"]
    special = [t for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if t in vocabulary]
    latin = [t for t in _by_id(vocabulary) if _LATIN.fullmatch(t)]
    used = Counter(itertools.chain.from_iterable(e.tokens for e in tokenizer.encode_batch(known)))
    single = {token for token in latin if len(token.removeprefix("##")) == 1}
    longer = [token for token in latin if token not in single]
    by_use = sorted((t for t in longer if used[t]), key=lambda token: -used[token])
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(by_use, longer))
    chosen = itertools.islice(dict.fromkeys(t for t in in_turn if t), most)
    needed = single.union(chosen)
    kept = special + [token for token in latin if token in needed]
    ids = {token: number for number, token in enumerate(kept)}
    config["model"]["vocab"] = ids
    config["added_tokens"] = [
        {**token, "id": ids[token["content"]]}
        for token in config["added_tokens"]
        if token["content"] in ids
    ]
    config["post_processor"] = None  # students have no use for [CLS] and [SEP]
    config["truncation"] = config["padding"] = None
    return Tokenizer.from_str(json.dumps(config)), kept


def _by_id(vocabulary: dict[str, int]) -> list[str]:
    return sorted(vocabulary, key=vocabulary.__getitem__)
