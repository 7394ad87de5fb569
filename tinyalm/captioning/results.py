"""What captioning answers: plain dataclasses, each with a `to_dict` for JSON."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """A word that names something, as the decoder said it.

    Attributes:
        text: the word.
        support: probability in [0, 1] that the sound holds what it names.
        kept: whether it is in the caption; words without support are taken out.
    """

    text: str
    support: float
    kept: bool


@dataclass(frozen=True, slots=True)
class CaptionSegment:
    """One stretch of a recording.

    Attributes:
        start: seconds.
        end: seconds.
        text: its caption; empty where nothing is recognised.
        confidence: probability in [0, 1] that the caption applies.
        words: the words that were checked, in the order of the sentence; empty in a bundle that
            reads no text.
    """

    start: float
    end: float
    text: str
    confidence: float
    words: list[CaptionWord]


@dataclass(frozen=True, slots=True)
class Caption:
    """The caption of a recording.

    Attributes:
        text: the whole caption.
        confidence: of its segments, weighed by their lengths.
        segments: stretches that sound alike, in time order.
        duration: seconds.
    """

    text: str
    confidence: float
    segments: list[CaptionSegment]
    duration: float

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)
