"""Several teachers as one: exact, whatever their spaces.

With unit embeddings ``a_i`` of a sound and ``t_i`` of a text in the space of teacher ``i``, and
shares ``w_i`` that add up to 1, the ensemble's are the concatenations of ``sqrt(w_i) a_i`` and
``sqrt(w_i) t_i``: of unit length, and their dot product is the mean of the teachers' own
similarities, weighed by ``w_i``. Nothing is fitted, and nothing is lost.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm_distill.teachers.answers import Answers, Inheritance
from tinyalm_distill.teachers.protocols import AudioTextTeacher

_TINY = float(np.finfo(np.float32).tiny)


class Ensemble:
    """Teachers joined.

    Classes, features, tokenizer and body are those of the first teacher that has classes, or else
    of the one with the largest share, whose prompt is taken in any case.
    """

    def __init__(self, members: Sequence[AudioTextTeacher], shares: Sequence[float]) -> None:
        """Join ``members``.

        Args:
            members: at least one.
            shares: of each in similarities, above 0; they add up to 1.
        """
        self.members, self.shares = tuple(members), tuple(shares)
        main = self.members[int(np.argmax(self.shares))]
        self._leader = next((member for member in self.members if member.labels), main)
        self.template = main.template
        self.name = "+".join(
            f"{share:.3g}*{member.name}" for member, share in zip(members, shares, strict=True)
        )
        parts = [
            f"{share!r} {member.name} {member.revision}"
            for member, share in zip(members, shares, strict=True)
        ]
        self.revision = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        self.licence = "; ".join(dict.fromkeys(member.licence for member in members))
        self.sample_rate = max(member.sample_rate for member in members)
        self.parameters = sum(member.parameters for member in members)
        self.bytes = sum(member.bytes for member in members)
        self.dim = sum(member.dim for member in members)

    @property
    def labels(self) -> list[str]:
        """The classes of the first teacher that has any."""
        return self._leader.labels

    @property
    def tokenizer(self) -> Tokenizer:
        """For students to share."""
        return self._leader.tokenizer

    def body(self) -> Inheritance | None:
        """The network of the teacher whose features these are."""
        return self._leader.body()

    def embed_audio(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int
    ) -> NDArray[np.float32]:
        """Embed sounds, each (samples,) float32 in [-1, 1], to (n, dim) of unit length."""
        return self.answer(waveforms, sample_rate).embeddings

    def answer(self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int) -> Answers:
        """All that its teachers say; each hears the sounds at its own rate."""
        answers = [member.answer(waveforms, sample_rate) for member in self.members]
        lead = answers[self.members.index(self._leader)]
        return Answers(
            embeddings=self._joined([one.embeddings for one in answers]),
            features=lead.features,
            probabilities=lead.probabilities,
        )

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as they stand, (n, dim) of unit length."""
        return self._joined([member.embed_text(texts) for member in self.members])

    def contributions(self, sounds: NDArray[np.float32], texts: NDArray[np.float32]) -> list[float]:
        """How much of what tells texts apart comes from each teacher; the sum is 1.

        Shares weigh similarities, and a teacher whose similarities hardly differ decides little
        with any share. Of the variance of a sound's similarities over texts, a teacher contributes
        the covariance of its own term with their sum.

        Args:
            sounds: (n, dim) of this ensemble.
            texts: (m, dim), of which at least two differ.
        """
        ends = np.cumsum([member.dim for member in self.members])[:-1]
        parts = [
            a @ t.T
            for a, t in zip(np.split(sounds, ends, axis=1), np.split(texts, ends, 1), strict=True)
        ]
        centred = [part - part.mean(axis=1, keepdims=True) for part in parts]
        total = np.sum(centred, axis=0)
        variance = max(float((total * total).sum()), _TINY)
        return [float((part * total).sum()) / variance for part in centred]

    def _joined(self, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        weighed = [
            np.float32(share**0.5) * part for share, part in zip(self.shares, rows, strict=True)
        ]
        return np.concatenate(weighed, axis=1)
