"""To relate things as the teacher does: similarities, distances, angles and probabilities."""

import torch
from torch import Tensor
from torch.nn import functional as F


def affinity_mimicking(
    student_audio: Tensor,
    student_text: Tensor,
    teacher_audio: Tensor,
    teacher_text: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Which texts a sound is near to, and which sounds a text, as the teacher has it.

    TinyCLIP's affinity mimicking (arXiv:2309.12314, section 3.1), the mean of both directions. As
    divergence from the teacher, which has the gradient of the paper's cross-entropy and is 0 where
    both agree. The student's space need not be the teacher's.

    Args:
        student_audio: (batch, student_dim) embeddings of unit length.
        student_text: (batch, student_dim) embeddings of unit length.
        teacher_audio: (batch, teacher_dim) embeddings of unit length.
        teacher_text: (batch, teacher_dim) embeddings of unit length.
        temperature: that cosines are divided by, above 0.

    Returns:
        A scalar, at least 0.
    """
    student = student_audio @ student_text.T / temperature
    teacher = teacher_audio @ teacher_text.T / temperature
    return (_divergence(student, teacher) + _divergence(student.T, teacher.T)) / 2


def label_divergence(
    student: Tensor, teacher: Tensor, bank: Tensor, *, temperature: float
) -> Tensor:
    """Kullback-Leibler divergence of the student's label probabilities from the teacher's.

    Distillation of logits (Hinton et al., arXiv:1503.02531) where the logits are the cosines with a
    bank of label embeddings; not multiplied by the square of the temperature, which belongs to the
    objective's weight.

    Args:
        student: (batch, dim) embeddings of unit length, in the teacher's space.
        teacher: (batch, dim) embeddings of unit length.
        bank: (labels, dim) text embeddings of unit length.
        temperature: that cosines are divided by, above 0.

    Returns:
        A scalar, at least 0.
    """
    return _divergence(student @ bank.T / temperature, teacher @ bank.T / temperature)


def relational_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Distances within the batch, in units of their mean (RKD, arXiv:1904.05068, eq. 5-7).

    Args:
        student: (batch, student_dim) embeddings, at least two that differ.
        teacher: (batch, teacher_dim) embeddings, at least two that differ.

    Returns:
        A scalar, at least 0: the mean Huber loss over all pairs.
    """
    ours, theirs = torch.pdist(student), torch.pdist(teacher)
    return F.smooth_l1_loss(ours / ours.mean(), theirs / theirs.mean())


def relational_angle(student: Tensor, teacher: Tensor) -> Tensor:
    """Cosines of the angles that triples of the batch form (RKD, arXiv:1904.05068, eq. 8-10).

    Takes memory with the cube of the batch: 1 MB at 64, 4 GB at 1024.

    Args:
        student: (batch, student_dim) embeddings, at least three.
        teacher: (batch, teacher_dim) embeddings, at least three.

    Returns:
        A scalar, at least 0: the mean Huber loss over all triples of different rows.
    """
    batch = len(student)
    total = F.smooth_l1_loss(_angles(student), _angles(teacher), reduction="sum")
    # Where two of a triple are one row, both cosines are 0 or both 1: nothing was added for it.
    return total / (batch * (batch - 1) * (batch - 2))


def _angles(rows: Tensor) -> Tensor:
    """(batch, batch, batch) cosines; the first is the row at which the angle is."""
    towards = F.normalize(rows[None] - rows[:, None], dim=-1)
    return towards @ towards.mT


def _divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over rows of KL(softmax(teacher) || softmax(student)), from (rows, columns) logits."""
    return F.kl_div(
        student.log_softmax(dim=-1),
        teacher.log_softmax(dim=-1),
        reduction="batchmean",
        log_target=True,
    )
