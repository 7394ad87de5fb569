"""What the rest of the package asks of a teacher."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm_distill.teachers.answers import Answers, Caption, Inheritance


class Teacher(Protocol):
    """What every teacher says of itself."""

    @property
    def name(self) -> str:
        """What reports and provenance call it: the name it is opened by, without folders."""
        ...

    @property
    def revision(self) -> str:
        """Changes whenever its answers do, so that nothing stale is read from a cache."""
        ...

    @property
    def licence(self) -> str:
        """The licence of its weights."""
        ...

    @property
    def sample_rate(self) -> int:
        """The rate it hears, Hz."""
        ...


class AudioTextTeacher(Teacher, Protocol):
    """A two-tower model; all embeddings are float32 of unit length."""

    @property
    def parameters(self) -> int:
        """Number of its weights, both towers together."""
        ...

    @property
    def bytes(self) -> int:
        """Size of its files."""
        ...

    @property
    def dim(self) -> int:
        """Size of its embeddings."""
        ...

    @property
    def labels(self) -> list[str]:
        """Its own classes, which its students tag with when asked for none; may be empty."""
        ...

    @property
    def template(self) -> str:
        """The prompt that a label is put into, with ``{}`` for the label."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """A WordPiece tokenizer of the text side's vocabulary, for students to share."""
        ...

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        """All that it says of sounds, each (samples,) float32 in [-1, 1].

        What has another rate than `sample_rate` is resampled.
        """
        ...

    def embed_audio(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int
    ) -> NDArray[np.float32]:
        """The embeddings alone, (n, dim)."""
        ...

    def body(self) -> Inheritance | None:
        """Its own network, where students can be cut out of it."""
        ...

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts to (n, dim)."""
        ...


class CaptionTeacher(Teacher, Protocol):
    """A model that puts what it hears into words."""

    def describe(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int, prompt: str
    ) -> list[Caption]:
        """Its answer to ``prompt`` for each sound, (samples,) float32 in [-1, 1]."""
        ...
