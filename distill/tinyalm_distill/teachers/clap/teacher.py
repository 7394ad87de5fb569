"""Any CLAP model as an `AudioTextTeacher`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.results import unit_length
from tinyalm_distill.front_end import front_end_of
from tinyalm_distill.teachers.answers import Answers, Inheritance
from tinyalm_distill.teachers.clap.tokens import for_students
from tinyalm_distill.teachers.clap.towers import Clap
from tinyalm_distill.teachers.hearing import at_rate
from tinyalm_distill.teachers.source import Source

_VERSION = 1  # of the code: raised whenever answers to the same checkpoint change
_TEXTS = 64
_WINDOWS = {"cuda": 32}  # at once; elsewhere each runs alone, and no batch can change an answer


class ClapTeacher:
    """A CLAP model: sounds and texts to one space; it has no classes of its own.

    A sound's embedding is the mean of its windows' embeddings of unit length, scaled to unit
    length; see `ClapFrontEnd.windows`. Texts are embedded as they stand.
    """

    def __init__(self, source: Source, clap: Clap, *, threads: int = 2) -> None:
        """Make a teacher of ``clap``, loaded from ``source``."""
        self.name = f"clap:{source.name}"
        self.revision = f"{_VERSION}-{source.digest()}"
        self.licence, self.bytes = source.licence(), source.bytes
        self.dim, self.template = clap.dim, clap.template
        self.sample_rate = clap.front_end.spec.sample_rate
        self.parameters = sum(weights.numel() for weights in clap.towers.parameters())
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._clap, self._towers = clap, clap.towers.to(self._device).eval()
        self._log_mel = front_end_of(clap.front_end.spec)
        self._tokenizer: Tokenizer | None = None
        self._threads = threads

    @property
    def labels(self) -> list[str]:
        """None of its own."""
        return []

    @property
    def tokenizer(self) -> Tokenizer:
        """Its vocabulary as WordPiece, for students."""
        if self._tokenizer is None:
            self._tokenizer = for_students(self._clap.tokenizer)
        return self._tokenizer

    def embed_audio(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int
    ) -> NDArray[np.float32]:
        """Embed sounds, each (samples,) float32 in [-1, 1], to (n, dim) of unit length."""
        return self.answer(waveforms, sample_rate).embeddings

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        """Embeddings, and what the projection reads, averaged over windows."""
        counts: list[int] = []
        features, embeddings = self._hear(self._log_mels(waveforms, sample_rate, counts))
        if not counts:
            return Answers(embeddings=embeddings, features=features)
        starts = np.cumsum([0, *counts[:-1]])
        pooled = np.add.reduceat(unit_length(embeddings), starts)
        means = np.add.reduceat(features, starts) / np.array(counts)[:, None]
        return Answers(embeddings=unit_length(pooled), features=means.astype(np.float32))

    def _log_mels(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int, counts: list[int]
    ) -> Iterator[NDArray[np.float32]]:
        """Every window of every sound in turn; how many each had goes to ``counts``."""
        front_end = self._clap.front_end
        for waveform in waveforms:
            sound = at_rate(waveform, sample_rate, self.sample_rate)
            windows = front_end.windows(sound.size)
            counts.append(len(windows))
            for start, stop in windows:
                yield self._log_mel(front_end.padded(sound[start:stop]))

    def _hear(
        self, log_mels: Iterator[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        most = _WINDOWS.get(self._device.type, 1)
        rows: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        with torch.inference_mode(), _torch_threads(self._threads):
            while batch := list(islice(log_mels, most)):
                given = torch.from_numpy(np.stack(batch)).to(self._device)
                features, embeddings = self._towers.audio(given)
                rows.append((features.cpu().numpy(), embeddings.cpu().numpy()))
        if not rows:
            return np.zeros((0, 0), np.float32), np.zeros((0, self.dim), np.float32)
        return np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows])

    def body(self) -> Inheritance | None:
        """None: students are not cut out of a transformer."""
        return None

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as they stand, (n, dim) of unit length."""
        given = [text + self._clap.suffix for text in texts]
        encoded = [one.ids for one in self._clap.tokenizer.encode_batch(given)]
        result = np.zeros((len(encoded), self.dim), np.float32)
        order = sorted(range(len(encoded)), key=lambda row: len(encoded[row]))
        # Like lengths go together: no padding is computed, and none can change an answer.
        with torch.inference_mode(), _torch_threads(self._threads):
            for _, group in groupby(order, key=lambda row: len(encoded[row])):
                alike = list(group)
                for start in range(0, len(alike), _TEXTS):
                    rows = alike[start : start + _TEXTS]
                    ids = torch.tensor([encoded[row] for row in rows], device=self._device)
                    result[rows] = self._towers.text(ids).cpu().numpy()
        return unit_length(result)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    """Run torch on so many threads; a training around it keeps its own number."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
