"""Teachers: models that put sounds and texts into one space, for students to learn."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.errors import ConfigError
from tinyalm_distill.assets import require
from tinyalm_distill.teachers.answers import Answers, Inheritance

__all__ = ["TEACHERS", "Answers", "AudioTextTeacher", "Inheritance", "open_teacher"]


class AudioTextTeacher(Protocol):
    """A two-tower model; all embeddings are float32 of unit length."""

    @property
    def name(self) -> str:
        """The name that `open_teacher` knows it by."""
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

    @property
    def parameters(self) -> int:
        """Number of its weights, both towers together."""
        ...

    @property
    def dim(self) -> int:
        """Size of its embeddings."""
        ...

    @property
    def labels(self) -> list[str]:
        """The label set that its students tag with when asked for none."""
        ...

    @property
    def template(self) -> str:
        """The prompt that a label is put into, with ``{}`` for the label."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the text side, for students to share."""
        ...

    def class_probabilities(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """How sure it is of each of its ``labels``, (labels,) float32 in [0, 1]."""
        ...

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        """All that it says of sounds, each (samples,) float32 in [-1, 1]."""
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


TEACHERS = ("yamnet-minilm",)


def open_teacher(name: str, *, threads: int = 2) -> AudioTextTeacher:
    """Load the teacher ``name``.

    Raises:
        ConfigError: no such teacher.
        FetchError: its weights are not here yet; the message says how to get them.
        DataError: its weights are damaged.
    """
    if name not in TEACHERS:
        raise ConfigError(f"no teacher named {name!r}; there are: {', '.join(TEACHERS)}")
    # Imported here: transformers takes seconds, and listing teachers must not.
    from tinyalm_distill.teachers.conse import YamNetMiniLM

    return YamNetMiniLM(require(name), threads=threads)
