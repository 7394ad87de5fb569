"""The embedded teacher: YAMNet and MiniLM joined by ConSE (arXiv:1312.5650).

A sound's embedding is the convex combination of the text embeddings of the classes that YAMNet
hears in it. Both sides are centred by the mean class embedding, which all classes share and which
says nothing about any of them.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.results import unit_length
from tinyalm_distill.teachers.answers import Answers, Inheritance
from tinyalm_distill.teachers.hearing import at_rate
from tinyalm_distill.teachers.minilm import MiniLM
from tinyalm_distill.teachers.yamnet import SPEC, YamNet


class ConseConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How class probabilities become an embedding; defaults as docs/teachers.md measured them.

    The mean probability ``p`` of each class over the patches of a sound weighs
    ``(p / (prior + prior_offset)) ** power``; the ``top_k`` heaviest are combined.

    Attributes:
        top_k: classes that are combined.
        prior_offset: keeps classes that hardly ever occur from dominating.
        power: below 1 it evens the weights out.
    """

    top_k: int = 12
    prior_offset: float = 0.005
    power: float = 0.5


_CHOSEN = ConseConfig()


class YamNetMiniLM:
    """The teacher ``yamnet-minilm``: sounds and texts to one space of 384 dimensions."""

    name = "yamnet-minilm"
    revision = "1"
    licence = "Apache-2.0 (YAMNet, tensorflow/models); Apache-2.0 (all-MiniLM-L6-v2)"
    sample_rate = SPEC.sample_rate
    dim = MiniLM.dim
    template = "{}"
    features = 1024

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        """Load the pulled asset at ``folder``.

        Raises:
            DataError: a file of the asset is damaged.
        """
        self._yamnet = YamNet(folder / "yamnet", threads=threads)
        self._minilm = MiniLM(folder / "minilm")
        self._folder = folder
        self._prior = class_prior()

    @property
    def labels(self) -> list[str]:
        """The names of YAMNet's classes."""
        return self._yamnet.classes

    @property
    def parameters(self) -> int:
        """Weights of YAMNet and MiniLM."""
        return self._yamnet.parameters + self._minilm.parameters

    @property
    def bytes(self) -> int:
        """Size of the pulled asset."""
        return sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the text side, for students to share."""
        return self._minilm.tokenizer

    def embed_audio(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int
    ) -> NDArray[np.float32]:
        """Embed sounds.

        Args:
            waveforms: each (samples,) float32 in [-1, 1], of any length.
            sample_rate: Hz; any but 16000 is resampled.

        Returns:
            (len(waveforms), 384) float32 of unit length.
        """
        return self.answer(waveforms, sample_rate).embeddings

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        """All that it hears in sounds: embeddings, and YAMNet's features and probabilities."""
        sounds = [at_rate(waveform, sample_rate, self.sample_rate) for waveform in waveforms]
        probabilities, features = self._yamnet(sounds)
        return Answers(
            embeddings=self.compose(probabilities), features=features, probabilities=probabilities
        )

    def body(self) -> Inheritance:
        """YAMNet's body, which students may be cut out of."""
        from tinyalm_distill.teachers.yamnet_body import read_body  # torch takes seconds

        return Inheritance(read_body(self._folder / "yamnet"), SPEC)

    def class_probabilities(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean probability of each class over a sound at 16 kHz, (521,) float32 in [0, 1]."""
        probabilities, _ = self._yamnet([waveform])
        return probabilities.reshape(-1)

    def compose(
        self, probabilities: NDArray[np.float32], config: ConseConfig = _CHOSEN
    ) -> NDArray[np.float32]:
        """Class probabilities, (n, 521), to embeddings, (n, 384) of unit length."""
        weights = (probabilities / (self._prior + config.prior_offset)) ** config.power
        if not len(weights):
            return np.zeros((0, self.dim), np.float32)
        least = np.partition(weights, -config.top_k, axis=1)[:, -config.top_k, None]
        return unit_length(np.where(weights >= least, weights, 0) @ self._named[0])

    @cached_property
    def _named(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeddings of the classes' names, (521, 384), and the mean that they were centred by."""
        raw = self._minilm.encode(self.labels)
        mean = raw.mean(axis=0)
        return unit_length(raw - mean), mean

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as they are, (len(texts), 384) float32 of unit length."""
        return unit_length(self._minilm.encode(texts) - self._named[1])


def class_prior() -> NDArray[np.float32]:
    """Mean probability of each class over everyday recordings, (521,).

    Measured by benchmarks/teacher_composition.py over 8,818 recordings of games, desktops and
    instruments; which classes are common anywhere matters, the exact figures hardly do.
    """
    text = (files("tinyalm_distill") / "teachers" / "yamnet_prior.json").read_bytes()
    return np.asarray(msgspec.json.decode(text, type=list[float]), np.float32)
