"""To be near to what belongs together and far from the rest."""

import torch
from torch import Tensor


def info_nce(
    audio: Tensor,
    text: Tensor,
    *,
    temperature: float | Tensor,
    positives: Tensor | None = None,
) -> Tensor:
    """Symmetric InfoNCE over a batch of pairs (eq. 1-4 of the survey of audio-language models).

    Where several texts belong to a sound, or sounds to a text, its term is the mean over them (the
    ``out`` form of SupCon, arXiv:2004.11362, eq. 2).

    Args:
        audio: (batch, dim) embeddings of unit length.
        text: (texts, dim) embeddings of unit length; row i belongs to sound i.
        temperature: that cosines are divided by, above 0.
        positives: (batch, texts) bool, which texts belong to which sounds, at least one in every
            row and column; by default sound i and text i alone, with as many of both.

    Returns:
        A scalar, at least 0.
    """
    logits = audio @ text.T / temperature
    if positives is None:
        positives = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return (_surprise(logits, positives) + _surprise(logits.T, positives.T)) / 2


def contrast(
    positive: Tensor,
    negative: Tensor,
    *,
    temperature: float | Tensor,
    weights: Tensor | None = None,
    prior: float = 0.0,
) -> Tensor:
    """InfoNCE of queries against negatives from anywhere: a queue, the batch, swapped captions.

    Eq. 2 of the survey with negatives that are not of the batch (MoCo, arXiv:1911.05722, eq. 1),
    each with its weight. If a share ``prior`` of the negatives is in truth positive, their expected
    part is taken off (debiased contrastive loss, Chuang et al., arXiv:2007.00224, eq. 7 and 8).

    Args:
        positive: (batch,) cosines of queries with their own keys.
        negative: (batch, negatives) cosines of queries with other keys.
        temperature: that cosines are divided by, above 0.
        weights: (batch, negatives), at least 0, what each negative counts; 0 leaves it out, as a
            query's own clip must be. By default all count 1.
        prior: probability that a negative is a positive, at least 0 and below 1.

    Returns:
        A scalar, at least 0: the mean over the batch. A query whose weights are all 0 adds 0.
    """
    if weights is None:
        weights = torch.ones_like(negative)
    own = positive / temperature
    others = negative / temperature + weights.log()
    # What is largest is 1 after the shift, so that no exponential overflows.
    shift = torch.maximum(own, others.amax(dim=1)).detach()
    own, mass = (own - shift).exp(), (others - shift[:, None]).exp().sum(dim=1)
    count = weights.sum(dim=1)
    least = count * (-1 / temperature - shift).exp()  # all of them opposite to the query
    mass = torch.maximum((mass - prior * count * own) / (1 - prior), least)
    return ((own + mass).log() - positive / temperature + shift).mean()


def hardness_weights(negative: Tensor, *, concentration: float) -> Tensor:
    """Importance weights that make near negatives count more, 1 on average over each row.

    Proportional to ``exp(concentration * cosine)`` (Robinson et al., arXiv:2010.04592, eq. 4). They
    say which negatives would have been drawn, and carry no gradient.

    Args:
        negative: (batch, negatives) cosines of queries with other keys.
        concentration: 0 for equal weights.

    Returns:
        (batch, negatives) weights.
    """
    share = (concentration * negative.detach()).softmax(dim=1)
    return share * negative.shape[1]


def teacher_weights(similarity: Tensor, *, limit: float) -> Tensor:
    """Weights that leave out negatives which the teacher finds to be the same thing.

    1 up to ``limit``, then falling in a straight line to 0 at a cosine of 1: the importance of a
    negative under the teacher's estimate that it is a true one. Same labels under other names
    ("dog barking", "a dog barks") are not pushed apart.

    Args:
        similarity: (batch, negatives) cosines, by the teacher, of what queries and keys are about.
        limit: cosine above which two are no longer surely different, below 1.

    Returns:
        (batch, negatives) weights within 0 and 1.
    """
    return ((1 - similarity) / (1 - limit)).clamp(0, 1)


def _surprise(logits: Tensor, positives: Tensor) -> Tensor:
    """Mean over rows of the mean over their positives of the negative log probability."""
    found = logits.log_softmax(dim=1).masked_fill(~positives, 0).sum(dim=1)
    return -(found / positives.sum(dim=1)).mean()
