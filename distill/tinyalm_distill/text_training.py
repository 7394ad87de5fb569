"""Distilling the text tower into a small student.

Every token's vector starts as the teacher's embedding of that token alone, reduced by PCA and
weighted by how rare it is (model2vec; Arora et al. 2017, section 3), and the student is then fitted
to the teacher's embeddings of whole texts. A transformer starts as the same sum of token vectors.
"""

from collections.abc import Iterator

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from tinyalm.models.text import (
    StaticTextConfig,
    TextStudent,
    TextStudentConfig,
    TransformerText,
    TransformerTextConfig,
    text_student,
)
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import TextTraining
from tinyalm_distill.taught_texts import TaughtTexts

_RARE = 1e-3  # frequency of a token whose first weight is one half
_WARMUP = 0.05  # share of the steps
_LARGEST_GRADIENT = 1.0
_BUCKET = 32  # batches whose texts are sorted by length together, so that little is padded


class DistilledText(Struct, frozen=True):
    """A text student, its tokenizer, and its mean cosine to the teacher on held-out texts."""

    student: TextStudent
    tokenizer: Tokenizer
    cosine: float


def distil_text(texts: TaughtTexts, config: TextTraining, *, seed: int) -> DistilledText:
    """Make the text student that learns ``texts``.

    Args:
        texts: see `teach_phrases`.
        config: size and training.
        seed: of weights, split and order.
    """
    phrases = texts.phrases
    data = Texts([e.ids for e in texts.tokenizer.encode_batch(phrases)], texts.targets)
    order = np.random.default_rng(seed).permutation(len(phrases))
    split = max(1, int(config.held_out * len(phrases)))
    student = new_student(config, texts.vectors, data, seed)
    train(student, data, order[split:], config, seed)
    return DistilledText(student, texts.tokenizer, data.cosine(student, order[:split]))


class Texts:
    """Token ids and targets, batched with padding."""

    def __init__(self, ids: list[list[int]], targets: NDArray[np.float32]) -> None:
        """Hold the ids of each text and its target, a row of ``targets``, (texts, dim)."""
        self.ids, self._targets = [x or [0] for x in ids], targets

    def batch(self, rows: NDArray[np.int64], most: int) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids, at most ``most`` a text, attention mask and targets of ``rows``."""
        chosen = [self.ids[i][:most] for i in rows]
        longest = max(map(len, chosen))
        ids = torch.tensor([x + [0] * (longest - len(x)) for x in chosen])
        mask = torch.tensor([[1] * len(x) + [0] * (longest - len(x)) for x in chosen])
        return ids, mask, torch.from_numpy(self._targets[rows])

    def batches(
        self, rows: NDArray[np.int64], size: int, draw: np.random.Generator
    ) -> Iterator[NDArray[np.int64]]:
        """Every one of ``rows`` once, in random batches of texts of like lengths."""
        lengths = np.array([len(self.ids[i]) for i in rows])
        order = draw.permutation(len(rows))
        buckets = [order[i : i + size * _BUCKET] for i in range(0, len(order), size * _BUCKET)]
        like = np.concatenate([bucket[np.argsort(lengths[bucket])] for bucket in buckets])
        starts = np.arange(0, len(like), size)
        for start in draw.permutation(starts):
            yield rows[like[start : start + size]]

    def cosine(self, student: TextStudent, rows: NDArray[np.int64]) -> float:
        """Mean cosine of ``student`` to the targets of ``rows``."""
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(rows), 256):
                some = rows[start : start + 256]
                ids, mask, target = self.batch(some, student.config.max_tokens)
                total += len(some) * (1.0 - float(cosine_distance(student(ids, mask), target)))
        return total / len(rows)


def new_student(
    config: TextTraining, vectors: NDArray[np.float32], data: Texts, seed: int
) -> TextStudent:
    """The student to train: the mean of the tokens' ``vectors``, (tokens, dim), reduced by PCA.

    A token of frequency ``p`` in ``data`` weighs ``a / (a + p)``.
    """
    tokens, dim = vectors.shape
    torch.manual_seed(seed)
    student = text_student(_shape(config, tokens, dim))
    counts = np.bincount(np.concatenate([np.array(x) for x in data.ids]), minlength=tokens)
    weights = _RARE / (_RARE + counts / counts.sum())
    weighted = (vectors * weights[:, None]).astype(np.float32)
    width = student.project.in_features
    _, directions = np.linalg.eigh(weighted.T @ weighted)  # ascending
    basis = np.zeros((dim, width), np.float32)
    kept = min(width, dim)
    basis[:, :kept] = directions[:, ::-1][:, :kept]
    rank = student.table.embedding_dim
    turn = _rotation(rank, seed)
    with torch.no_grad():
        student.table.weight.copy_(torch.from_numpy(weighted @ basis[:, :rank] @ turn))
        student.project.bias.zero_()
        if isinstance(student, TransformerText):
            student.project.weight.copy_(torch.from_numpy(basis))
            student.lift.weight.zero_()[:rank] = torch.from_numpy(turn)
        else:
            student.project.weight.copy_(torch.from_numpy(basis @ turn))
    return student


def _rotation(size: int, seed: int) -> NDArray[np.float32]:
    """A random rotation, (size, size).

    Principal directions differ in size, and one scale a row would leave the small ones few levels;
    turned, they are all alike (QuaRot, arXiv:2404.00456).
    """
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    return turn.astype(np.float32)


def _shape(config: TextTraining, tokens: int, dim: int) -> TextStudentConfig:
    if not config.layers:
        return StaticTextConfig(embedding_dim=dim, vocabulary=tokens, rank=config.rank)
    return TransformerTextConfig(
        embedding_dim=dim,
        vocabulary=tokens,
        rank=config.rank,
        width=config.width,
        layers=config.layers,
    )


def train(
    student: TextStudent,
    data: Texts,
    rows: NDArray[np.int64],
    config: TextTraining,
    seed: int,
) -> None:
    """Fit ``student`` to the targets of ``rows`` in ``data``, by Adam on the cosine distance.

    Only the table's rows that a batch names are updated: the others have no gradient, and to go
    over them all takes longer than everything else.
    """
    steps = config.epochs * -(-len(rows) // config.batch_size)
    student.table.sparse = True
    table = student.table.weight
    rounding = student.table.register_forward_hook(_rounded) if config.table_bits == 4 else None
    others = [p for p in student.parameters() if p is not table]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.SparseAdam([table], lr=config.learning_rate),
        torch.optim.Adam(others, lr=config.learning_rate),
    ]
    schedules = [LambdaLR(each, lambda done: _share(done / steps)) for each in optimizers]
    step = 0
    with bar("training text student") as progress:
        for epoch in range(config.epochs):
            draw = np.random.default_rng([seed, epoch])
            for chosen in data.batches(rows, config.batch_size, draw):
                ids, mask, target = data.batch(chosen, student.config.max_tokens)
                loss = cosine_distance(student(ids, mask), target)
                student.zero_grad()
                torch.autograd.backward(loss)
                # A text whose vectors cancel has a gradient beyond all others, and Adam would hear
                # of nothing else for a thousand steps.
                nn.utils.clip_grad_norm_(others, _LARGEST_GRADIENT)
                for optimizer, schedule in zip(optimizers, schedules, strict=True):
                    optimizer.step()
                    schedule.step()
                step += 1
                progress(step, steps, f"loss {float(loss.detach()):.3f}")
    student.table.sparse = False
    if rounding is not None:
        rounding.remove()
        with torch.no_grad():
            table.copy_(four_bits(table))


def four_bits(rows: Tensor) -> Tensor:
    """Rows, (…, rank), on the 15 levels of their own scale that 4 signed bits hold."""
    scales = rows.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 7
    return torch.round(rows / scales) * scales


def _rounded(_: nn.Module, __: object, rows: Tensor) -> Tensor:
    """Rounded rows, whose gradient goes to the exact ones (straight-through, arXiv:1308.3432)."""
    return rows + (four_bits(rows) - rows).detach()


def _share(done: float) -> float:
    """Share of the peak learning rate after ``done`` of the training: warm-up, then a cosine."""
    if done < _WARMUP:
        return (done + 1e-3) / (_WARMUP + 1e-3)
    return 0.5 + 0.5 * float(np.cos(np.pi * (done - _WARMUP) / (1 - _WARMUP)))
