"""To answer rightly where the answer is known: labels of sounds, and pairs that match."""

import torch
from torch import Tensor
from torch.nn import functional as F


def classification(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of exclusive classes (eq. 9 of the survey, with softmax probabilities).

    Args:
        logits: (batch, classes).
        targets: (batch, classes) probabilities, 1 for the one class where it is certain.

    Returns:
        A scalar, at least 0.
    """
    return F.cross_entropy(logits, targets)


def tagging(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of classes that may sound together (eq. 9 for each class and its rest).

    Args:
        logits: (batch, classes).
        targets: (batch, classes) within 0 and 1.

    Returns:
        A scalar, at least 0: the mean over classes too.
    """
    return F.binary_cross_entropy_with_logits(logits, targets)


def matching(
    audio: Tensor,
    text: Tensor,
    *,
    scale: float | Tensor,
    bias: float | Tensor,
    positives: Tensor | None = None,
) -> Tensor:
    """Does this text describe this sound? Asked of pairs and of the hardest negatives.

    Eq. 12 of the survey (a log-likelihood there, negated here), where the score is
    ``sigmoid(scale * cosine + bias)``. Every sound is asked about its own text and about the
    nearest one that is not its own, and every text likewise (ALBEF, arXiv:2107.07651, section 3.2,
    with the hardest instead of a draw). Halves count equally: matching and not.

    Args:
        audio: (batch, dim) embeddings of unit length.
        text: (batch, dim) embeddings of unit length; row i describes sound i.
        scale: of cosines, above 0.
        bias: added to them.
        positives: (batch, batch) bool, which texts describe which sounds; by default sound i and
            text i alone.

    Returns:
        A scalar, at least 0.
    """
    logits = audio @ text.T * scale + bias
    own = logits.diagonal()
    if positives is None:
        positives = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    others = logits.masked_fill(positives, -torch.inf)
    hardest = torch.cat([others.amax(dim=0), others.amax(dim=1)])
    # Of a row with nothing but positives there is no negative: minus infinity, which costs 0.
    return (F.softplus(-own).mean() + F.softplus(hardest).mean()) / 2
