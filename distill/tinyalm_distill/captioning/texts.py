"""The sentences that a captioner is taught to say."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tinyalm.errors import DataError
from tinyalm.policy.words import named

# What tells a person's sex or age is refused by every default policy, so it is never learned.
_PERSON, _CHILD = "man|woman|guy|lady|gentleman|adult|mother|father|teenager", "boy|girl|toddler"
_NEUTRAL = (
    (
        rf"\b(?:young|old|elderly|older|younger|adult|fe?male|middle.aged) (?={_PERSON}|{_CHILD})",
        "",
    ),
    (r"\b(?:young|old|elderly|older|younger|adult) (?=(?:fe)?males?\b|person|people|child)", ""),
    (r"\b(?:fe)?males (?=\w+ing\b)", "people "),
    (r"\b(?:fe)?male (?=(?:voice|speech|singing|crowd|choir)\b)", "human "),
    (r"\b(?:men|women|guys|ladies|gentlemen|adults|(?:fe)?males|teenagers)\b", "people"),
    (rf"\b(?:{_PERSON}|(?:fe)?male|human being)\b", "person"),
    (r"\b(?:boys|girls|toddlers)\b", "children"),
    (rf"\b(?:{_CHILD})\b", "child"),
    (r"\ban (?=person|child)", "a "),
    (r"\b(?:his|her)\b", "their"),
    (r"\b(?:he|she)\b", "someone"),
)
_RULES = tuple((re.compile(pattern), with_) for pattern, with_ in _NEUTRAL)
_SHORT = ("{}", "{} and {}", "{}, {} and {}")
_KINDS = (0.4, 0.9)  # shares of short sentences up to which they name one sound, and two


def tidy(text: str) -> str:
    """A caption in lower case, without its full stop, that says nothing of sex or age."""
    plain = " ".join(text.lower().split()).rstrip(" .,;")
    for pattern, with_ in _RULES:
        plain = pattern.sub(with_, plain)
    return plain


def usable(captions: Iterable[str]) -> list[str]:
    """The distinct ``captions``, tidied, without those that name a sensitive inference."""
    tidied = dict.fromkeys(filter(None, map(tidy, captions)))
    return [text for text in tidied if named(text) is None]


def read_captions(path: Path) -> list[str]:
    """The `usable` captions of a file with one a line, in its order.

    Raises:
        DataError: the file cannot be read or holds none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: captions cannot be read ({error}); give a UTF-8 file with one a line"
        ) from None
    captions = usable(lines)
    if not captions:
        raise DataError(f"{path}: holds no captions; give a text file with one a line")
    return captions


def short_captions(labels: Sequence[str], count: int, seed: int) -> list[str]:
    """Sentences that name one to three of ``labels``: each by itself first, then draws.

    Args:
        labels: names of sounds, of several names (``Chicken, rooster``) any one counts.
        count: draws.
        seed: of them.
    """
    names = list(
        dict.fromkeys(tidy(part) for label in labels for part in label.split(",") if tidy(part))
    )
    draw = np.random.default_rng(seed)
    drawn = []
    for kind in draw.random(count):
        form = _SHORT[int(np.searchsorted(_KINDS, kind))]
        chosen = draw.choice(len(names), min(form.count("{}"), len(names)), replace=False)
        if len(chosen) == form.count("{}"):
            drawn.append(form.format(*(names[number] for number in chosen)))
    return list(dict.fromkeys([*names, *drawn]))
