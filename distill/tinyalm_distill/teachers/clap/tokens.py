"""The tokenizer of a checkpoint, and one for students where theirs cannot share it."""

import json
import re
import string
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.teachers.source import one_line

_FILE = "tokenizer.json"
_PIECE = re.compile(r"[a-z0-9]+")
_SPACE = ("\u0120", "\u2581")  # before a token that starts a word: byte-level BPE, SentencePiece
_FIRST = ("[PAD]", "[UNK]")


def read_tokenizer(folder: Path, most: int) -> Tokenizer:
    """The tokenizer that a checkpoint's texts go through, cut at ``most`` tokens, never padded.

    Raises:
        ConfigError: ``folder`` holds none.
        DataError: the file is damaged.
    """
    file = folder / _FILE
    if not file.is_file():
        raise ConfigError(
            f"{folder}: holds no {_FILE}; write it with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)"
        )
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises bare Exceptions
        raise DataError(f"{file}: not a tokenizer ({one_line(error)}); fetch it again") from None
    tokenizer.enable_truncation(most)
    tokenizer.no_padding()
    return tokenizer


def for_students(tokenizer: Tokenizer) -> Tokenizer:
    """A WordPiece tokenizer, which students trim and share, of a teacher's vocabulary.

    A WordPiece tokenizer is that already. Of a BPE vocabulary every token of Latin letters and
    digits is kept in its order, lower-cased: those that start a word as they are, the others as
    continuations.
    """
    config = json.loads(tokenizer.to_str())
    if config["model"]["type"] == "WordPiece":
        return tokenizer
    vocabulary = tokenizer.get_vocab()
    by_id = sorted(vocabulary, key=vocabulary.__getitem__)
    single = string.ascii_lowercase + string.digits
    tokens = dict.fromkeys(
        [
            *_FIRST,
            *string.punctuation,
            *single,
            *(f"##{character}" for character in single),
            *(piece for token in by_id if (piece := _piece(token)) is not None),
        ]
    )
    ids = {token: number for number, token in enumerate(tokens)}
    shared = Tokenizer(WordPiece(ids, unk_token="[UNK]"))  # noqa: S106  (no password)
    shared.normalizer = BertNormalizer()
    shared.pre_tokenizer = BertPreTokenizer()
    return shared


def _piece(token: str) -> str | None:
    starts = token.startswith(_SPACE)
    text = (token[1:] if starts else token).lower()
    if not _PIECE.fullmatch(text):
        return None
    return text if starts else f"##{text}"
