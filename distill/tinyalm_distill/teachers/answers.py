"""What a teacher says of sounds, and what it leaves to its students."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec

if TYPE_CHECKING:  # torch takes seconds, and listing teachers must not
    from tinyalm.models.separable import SeparableBody


class Answers(Struct, frozen=True):
    """A teacher's answers to n sounds, a row a sound.

    Attributes:
        embeddings: (n, dim) float32 of unit length.
        features: (n, features) float32, what its last layers read, averaged over the sound; None
            where it has none to give.
        probabilities: (n, labels) float32 in [0, 1] of its own classes; None where it has none.
    """

    embeddings: NDArray[np.float32]
    features: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None


class Caption(Struct, frozen=True):
    """What a model said of a sound.

    Attributes:
        text: its answer.
        prompt: what it was asked.
        model: name and revision of who said it.
    """

    text: str
    prompt: str
    model: str


@dataclass(frozen=True)
class Inheritance:
    """A teacher's own network, for students to be cut out of.

    Attributes:
        body: log-mel to maps whose mean over time and frequency are the ``features`` above.
        spec: the front end before it.
    """

    body: "SeparableBody"
    spec: LogMelSpec
