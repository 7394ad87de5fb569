"""Objectives of distillation: pure functions of embeddings, each with its source."""

from torch import Tensor
from torch.nn import functional as F


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean of ``1 - cos(student, teacher)`` over the batch (tinyCLAP, arXiv:2311.14517, eq. 4).

    Args:
        student: (batch, dim) embeddings, of any length.
        teacher: (batch, dim) embeddings, of any length.

    Returns:
        A scalar within 0 and 2.
    """
    return (1.0 - F.cosine_similarity(student, teacher, dim=-1)).mean()
