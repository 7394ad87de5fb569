"""The texts that a text student is taught with, and the vocabulary that it keeps."""

import itertools
import json
import re
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

_TEMPLATES = ("the sound of {}", "a recording of {}", "{} in the background", "{} and {}")
_WORD = re.compile(r"[a-z]{3,}")
_LATIN = re.compile(r"(##)?[a-z0-9'.,!?;:()\"/&+-]+")


def make_phrases(known: Sequence[str], tokenizer: Tokenizer, count: int, seed: int) -> list[str]:
    """Texts to teach: the known ones, every word of the vocabulary, and combinations.

    Args:
        known: labels and captions; these come first, each once.
        tokenizer: the teacher's, whose words are combined.
        count: combinations to draw: two words, three words, and the known in templates.
        seed: of the draws.

    Returns:
        Distinct texts, in an order that depends on nothing but the arguments.
    """
    draw = np.random.default_rng(seed)
    words = sorted(token for token in tokenizer.get_vocab() if _WORD.fullmatch(token))
    short = [text for text in known if len(text.split()) <= 6] or words
    combined = []
    for kind in draw.integers(0, 4, size=count):
        if kind < 2:
            combined.append(" ".join(draw.choice(words, size=2 + kind)))
        elif kind == 2:
            combined.append(f"{draw.choice(short)} {draw.choice(words)}")
        else:
            template = str(draw.choice(_TEMPLATES))
            combined.append(template.format(*draw.choice(short, size=2)))
    return list(dict.fromkeys(itertools.chain(known, words, combined)))


def trim_tokenizer(
    tokenizer: Tokenizer, known: Sequence[str], most: int
) -> tuple[Tokenizer, list[str]]:
    """A WordPiece tokenizer with fewer tokens, and those tokens in id order.

    Args:
        tokenizer: the teacher's; its ids are in order of frequency, as BERT's are.
        known: texts whose tokens are all kept.
        most: beside them, the most frequent tokens of Latin letters, digits and punctuation. Single
            characters are always kept, so that every English word still splits into known pieces.
    """
    config = json.loads(tokenizer.to_str())
    vocabulary: dict[str, int] = config["model"]["vocab"]
    special = [t for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if t in vocabulary]
    latin = [t for t in sorted(vocabulary, key=vocabulary.__getitem__) if _LATIN.fullmatch(t)]
    needed = {token for encoded in tokenizer.encode_batch(list(known)) for token in encoded.tokens}
    needed |= {token for token in latin if len(token.removeprefix("##")) == 1}
    needed |= set(latin[:most])
    kept = special + [token for token in latin if token in needed]
    ids = {token: number for number, token in enumerate(kept)}
    config["model"]["vocab"] = ids
    config["added_tokens"] = [
        {**token, "id": ids[token["content"]]}
        for token in config["added_tokens"]
        if token["content"] in ids
    ]
    config["post_processor"] = None  # sums of token vectors have no use for [CLS] and [SEP]
    config["truncation"] = config["padding"] = None
    return Tokenizer.from_str(json.dumps(config)), kept
