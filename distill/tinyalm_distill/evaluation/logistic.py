"""Logistic regression on frozen embeddings: multinomial, or one for each label."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A linear classifier: ``inputs @ weight + bias``."""

    weight: NDArray[np.float64]  # (dim, labels)
    bias: NDArray[np.float64]  # (labels,)

    def __call__(self, inputs: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, dim) to logits, (n, labels)."""
        return np.asarray(inputs @ self.weight + self.bias, np.float32)


def classification_loss(logits: Tensor, target: Tensor, *, several: bool) -> Tensor:
    """Mean over clips of the cross-entropy, or of the labels' summed binary cross-entropies.

    Args:
        logits: (clips, labels).
        target: (clips, labels) of 0 and 1; one 1 a clip unless ``several``.
        several: whether labels apply independently.
    """
    if several:
        return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(target)
    return F.cross_entropy(logits, target)


def fit(
    inputs: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    l2: float,
    *,
    several: bool,
    start: Linear | None = None,
) -> Linear:
    """Minimise `classification_loss` + l2 / 2 * the squared weights, by L-BFGS in float64.

    It is scikit-learn's LogisticRegression with C = 1 / (n * l2); biases are not shrunk.

    Args:
        inputs: (n, dim).
        relevant: (n, labels).
        l2: above 0.
        several: see `classification_loss`.
        start: where to begin; the minimum does not depend on it.
    """
    x, target = torch.from_numpy(inputs), torch.from_numpy(relevant.astype(np.float64))
    shape = (inputs.shape[1], relevant.shape[1])
    weight = torch.from_numpy(start.weight if start else np.zeros(shape)).clone()
    bias = torch.from_numpy(start.bias if start else np.zeros(shape[1])).clone()
    solver = torch.optim.LBFGS(
        [weight.requires_grad_(), bias.requires_grad_()],
        max_iter=500,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        solver.zero_grad()
        shrink = 0.5 * l2 * weight.square().sum()
        total = classification_loss(x @ weight + bias, target, several=several) + shrink
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(loss)  # type: ignore[no-untyped-call]
    return Linear(weight.detach().numpy(), bias.detach().numpy())
