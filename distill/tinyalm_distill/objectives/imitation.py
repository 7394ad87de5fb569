"""To be where the teacher is: distances between one's own answer and the teacher's."""

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


def squared_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean of ``|student - teacher|^2`` over the batch (CLIP-KD, arXiv:2307.12732, FD).

    Twice the cosine distance where all are of unit length.

    Args:
        student: (batch, dim) embeddings.
        teacher: (batch, dim) embeddings.

    Returns:
        A scalar, at least 0.
    """
    return (student - teacher).square().sum(dim=-1).mean()


def feature_cosine_distance(student: Tensor, teacher: Tensor, projection: Tensor) -> Tensor:
    """Cosine distance of features inside the encoders, the student's projected to the teacher's.

    As in CLIP-KD's feature distillation (arXiv:2307.12732, FD), which projects where the widths
    differ. The projection is learned with the student and left behind after training.

    Args:
        student: (..., student_dim) features, such as (batch, frames, student_dim).
        teacher: (..., teacher_dim) features of the same places.
        projection: (teacher_dim, student_dim) weights, as `torch.nn.Linear` has them.

    Returns:
        A scalar within 0 and 2: the mean over all places.
    """
    return cosine_distance(F.linear(student, projection), teacher)


def feature_squared_error(student: Tensor, teacher: Tensor, projection: Tensor) -> Tensor:
    """Mean squared error of projected features, per number (CLIP-KD, arXiv:2307.12732, FD).

    Unlike the cosine it also teaches how strong a feature is.

    Args:
        student: (..., student_dim) features, such as (batch, frames, student_dim).
        teacher: (..., teacher_dim) features of the same places.
        projection: (teacher_dim, student_dim) weights, as `torch.nn.Linear` has them.

    Returns:
        A scalar, at least 0: the mean over all places and teacher dimensions.
    """
    return F.mse_loss(F.linear(student, projection), teacher)
