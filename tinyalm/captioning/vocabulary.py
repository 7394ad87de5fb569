"""Token ids of captions to words."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from tinyalm.errors import BundleError

PAD, UNKNOWN, END, FULL, SHORT = range(5)  # the first token ids of every vocabulary
SPECIAL = ("[PAD]", "[UNK]", "[END]", "[FULL]", "[SHORT]")
STYLES = {"full": FULL, "short": SHORT}  # the token that a sentence begins with
_PIECE = "##"  # begins a token that goes on with the word before it
_CLOSE = (",", ".", "'", "-", ";", ":", "!", "?")  # written without a blank before them
_OPEN = ("'", "-")  # and without one behind them


class Vocabulary:
    """The tokens of a captioner.

    Args:
        path: its tokenizer file, in the format of the ``tokenizers`` library.
        size: tokens that its graph knows.

    Raises:
        BundleError: the file is no tokenizer, or another captioner's.
    """

    def __init__(self, path: Path, size: int) -> None:
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more precise
            reason = " ".join(str(error).split())
            raise BundleError(
                f"{path}: not a tokenizer ({reason}); export the bundle again"
            ) from None
        self._tokens = [tokenizer.id_to_token(number) or "" for number in range(size)]
        known = tokenizer.get_vocab_size()
        if known != size or tuple(self._tokens[: len(SPECIAL)]) != SPECIAL:
            raise BundleError(
                f"{path}: has {known} tokens, and the captioner was made with {size} after "
                f"{' '.join(SPECIAL)}; export the bundle again with the captioner's own"
            )

    def words(self, ids: Sequence[int]) -> list[str]:
        """The words of a sentence, pieces joined; punctuation is a word of its own."""
        words: list[str] = []
        for number in ids:
            token = self._tokens[number]
            if token.startswith(_PIECE) and words:
                words[-1] += token.removeprefix(_PIECE)
            elif number >= len(SPECIAL):
                words.append(token)
        return words


def sentence(words: Sequence[str]) -> str:
    """Words as people write them: ``["a", "dog", ",", "rain"]`` is ``a dog, rain``."""
    text = ""
    for word in words:
        close = word in _CLOSE or not text or text.endswith(_OPEN)
        text += word if close else f" {word}"
    return text
