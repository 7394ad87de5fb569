"""A teacher by construction: it hears which of `TONES` sound, and reads which of `WORDS` stand."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from tests.fakes import DIM, RATE, TONES, WORDS
from tinyalm_distill.teachers import Answers


class ToneTeacher:
    name, revision, licence = "tones", "1", "CC0-1.0"
    sample_rate, dim, parameters, template = RATE, DIM, 0, "{}"

    def __init__(self) -> None:
        self.labels = list(WORDS)
        self.heard = 0  # sounds that it was asked about

    @property
    def tokenizer(self) -> Tokenizer:
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[unused0]", "中", *WORDS, "and", "the"]
        tokens += list("abcdefghijklmnopqrstuvwxyz")
        tokens += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
        vocabulary = {token: i for i, token in enumerate(tokens)}
        tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = Whitespace()
        return tokenizer

    def class_probabilities(self, waveform: np.ndarray) -> np.ndarray:
        times = np.arange(waveform.size) / RATE
        waves = np.exp(-2j * np.pi * np.outer(TONES, times))
        return np.minimum(1, 2 * np.abs(waves @ waveform) / max(1, waveform.size)).astype("f4")

    def answer(self, waveforms: Sequence[np.ndarray], sample_rate: int) -> Answers:
        assert sample_rate == RATE
        self.heard += len(waveforms)
        probabilities = np.stack([self.class_probabilities(w) for w in waveforms])
        return Answers(
            embeddings=_unit(probabilities + 1e-4),
            features=probabilities[:, ::2],
            probabilities=probabilities,
        )

    def body(self) -> None:
        """Nothing to inherit."""

    def embed_audio(self, waveforms: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        return self.answer(waveforms, sample_rate).embeddings

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.full((len(texts), DIM), 0.05, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                if word in WORDS:
                    row[WORDS.index(word)] += 1
        return _unit(rows)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
