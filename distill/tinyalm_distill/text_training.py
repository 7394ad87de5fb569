"""Distilling the text tower into static token embeddings.

Every token's vector starts as the teacher's embedding of that token alone, reduced by PCA
(model2vec), and all are then fitted to the teacher's embeddings of whole phrases.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from tinyalm.models.text import TextStudent, TextStudentConfig
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.phrases import make_phrases, trim_tokenizer
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import TextTraining
from tinyalm_distill.teacher_cache import teach_texts
from tinyalm_distill.teachers import AudioTextTeacher


class DistilledText(Struct, frozen=True):
    """A text student, its tokenizer, and its mean cosine to the teacher on held-out texts."""

    student: TextStudent
    tokenizer: Tokenizer
    cosine: float


def distil_text(
    teacher: AudioTextTeacher,
    known: Sequence[str],
    config: TextTraining,
    cache: Path,
    *,
    seed: int,
) -> DistilledText:
    """Make the text student of ``teacher``.

    Args:
        teacher: gives tokenizer and embeddings.
        known: labels and captions that it should do well on.
        config: size and training.
        cache: keeps the teacher's answers.
        seed: of phrases, split and order.
    """
    tokenizer, tokens = trim_tokenizer(teacher.tokenizer, known, config.vocabulary)
    phrases = make_phrases(known, teacher.tokenizer, config.phrases, seed)
    pieces = [token.removeprefix("##") for token in tokens]
    row_of = {text: row for row, text in enumerate(dict.fromkeys(pieces + phrases))}
    with bar("teacher reads texts") as progress:
        answers = teach_texts(teacher, list(row_of), cache, progress=progress)
    vectors, targets = (answers[[row_of[x] for x in texts]] for texts in (pieces, phrases))
    student = TextStudent(
        TextStudentConfig(embedding_dim=teacher.dim, vocabulary=len(tokens), rank=config.rank)
    )
    _start_from(student, vectors)
    data = _Texts([e.ids for e in tokenizer.encode_batch(phrases)], targets)
    order = np.random.default_rng(seed).permutation(len(phrases))
    split = max(1, int(config.held_out * len(phrases)))
    _train(student, data, order[split:], config, seed)
    return DistilledText(student, tokenizer, _mean_cosine(student, data, order[:split]))


class _Texts:
    """Token ids and targets, batched with padding."""

    def __init__(self, ids: list[list[int]], targets: NDArray[np.float32]) -> None:
        self._ids, self._targets = ids, targets

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids, attention mask and targets of ``rows``."""
        chosen = [self._ids[i] or [0] for i in rows]
        longest = max(map(len, chosen))
        ids = torch.tensor([x + [0] * (longest - len(x)) for x in chosen])
        mask = torch.tensor([[1] * len(x) + [0] * (longest - len(x)) for x in chosen])
        return ids, mask, torch.from_numpy(self._targets[rows])


def _start_from(student: TextStudent, vectors: NDArray[np.float32]) -> None:
    """Fill the table with ``vectors``, (tokens, dim), in their first principal directions."""
    rank = student.config.rank
    _, directions = np.linalg.eigh(vectors.T @ vectors)  # ascending
    basis = np.zeros((vectors.shape[1], rank), np.float32)
    kept = min(rank, vectors.shape[1])
    basis[:, :kept] = directions[:, ::-1][:, :kept]
    with torch.no_grad():
        student.table.weight.copy_(torch.from_numpy(vectors @ basis))
        student.project.weight.copy_(torch.from_numpy(basis))
        student.project.bias.zero_()


def _train(
    student: TextStudent,
    data: _Texts,
    rows: NDArray[np.int64],
    config: TextTraining,
    seed: int,
) -> None:
    batches = list(_batches(rows, config, seed))
    optimizer = torch.optim.Adam(student.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    with bar("training text student") as progress:
        for step, chosen in enumerate(batches, start=1):
            ids, mask, target = data.batch(chosen)
            loss = cosine_distance(student(ids, mask), target)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            progress(step, len(batches), f"loss {float(loss.detach()):.3f}")


def _batches(
    rows: NDArray[np.int64], config: TextTraining, seed: int
) -> Iterator[NDArray[np.int64]]:
    for epoch in range(config.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(rows)
        for start in range(0, len(order), config.batch_size):
            yield order[start : start + config.batch_size]


def _mean_cosine(student: TextStudent, data: _Texts, rows: NDArray[np.int64]) -> float:
    with torch.no_grad():
        ids, mask, target = data.batch(rows)
        return 1.0 - float(cosine_distance(student(ids, mask), target))
