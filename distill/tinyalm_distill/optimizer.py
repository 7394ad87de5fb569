"""AdamW whose matrices may move by Muon: every direction of an update gets the same length."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import AdamW

from tinyalm_distill.recipe import TrainConfig
from tinyalm_distill.teaching import Teaching

_MOMENTUM = 0.95
_ITERATION = 3.4445, -4.7750, 2.0315  # of Newton and Schulz, steepest at 0; from the reference
_ITERATIONS = 5


class Muon(AdamW):
    """AdamW, but groups that say ``muon`` hold matrices and move by Muon.

    A matrix is a (rows, columns) weight, or a pointwise convolution's (rows, columns, 1, 1). Its
    momentum is made nearly orthogonal, and scaled so that one learning rate serves both rules.
    `torch.optim.Muon` does the same to 2-D weights alone and in bfloat16, which takes three times
    as long on a CPU that does not compute in it.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; the scale is of
    arXiv:2502.16982, eq. 4.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step along the gradients, which are used up."""
        for group in self.param_groups:
            for parameter in group["params"] if group.get("muon") else ():
                if parameter.grad is not None:
                    self._turn(parameter, parameter.grad, group["lr"], group["weight_decay"])
                    parameter.grad = None  # AdamW passes it over
        loss: float | None = super().step(closure)
        return loss

    def _turn(self, matrix: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        momentum = self._first(matrix)["momentum"]
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        update = gradient.lerp(momentum, _MOMENTUM).flatten(1)
        scale = 0.2 * max(update.shape) ** 0.5
        matrix.mul_(1 - rate * decay)
        matrix.add_(orthogonal(update).view_as(matrix), alpha=-rate * scale)

    def _first(self, matrix: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        return state

    def tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on beside weights and gradients, by name."""
        tensors = {}
        for group in self.param_groups:
            for number, parameter in enumerate(group["params"]):
                state = self.state[parameter]
                if group.get("muon"):
                    self._first(parameter)
                elif not state:  # AdamW makes it at its first step
                    state["step"] = torch.tensor(0.0)
                    state["exp_avg"] = torch.zeros_like(parameter)
                    state["exp_avg_sq"] = torch.zeros_like(parameter)
                for key, value in state.items():
                    tensors[f"{group['name']}.{number}.{key}"] = value
        return tensors


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with its singular values brought to about 1, (rows, columns)."""
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    once, thrice, fifth = _ITERATION
    for _ in range(_ITERATIONS):
        gram = wide @ wide.T
        gram = torch.addmm(gram, gram, gram, beta=thrice, alpha=fifth)
        wide = torch.addmm(wide, gram, wide, beta=once)
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


def make_optimizer(teaching: Teaching, config: TrainConfig) -> Muon:
    """The optimizer of a student and of what helps to train it.

    Weights of two and more dimensions decay, biases and normalisations do not. With Muon, the
    student's matrices move by it.
    """
    own = {id(parameter) for parameter in teaching.student.parameters()}
    groups: dict[str, list[Tensor]] = {"muon": [], "matrices": [], "vectors": []}
    for parameter in teaching.parameters():
        name = "matrices" if parameter.ndim > 1 else "vectors"
        if config.optimizer == "muon" and id(parameter) in own and _is_matrix(parameter):
            name = "muon"
        groups[name].append(parameter)
    return Muon(
        [
            {
                "name": name,
                "params": parameters,
                "weight_decay": 0.0 if name == "vectors" else config.weight_decay,
                "muon": name == "muon",
            }
            for name, parameters in groups.items()
            if parameters
        ],
        lr=config.learning_rate,
    )


def _is_matrix(weight: Tensor) -> bool:
    return weight.ndim >= 2 and min(weight.shape[:2]) > 1 and weight[0, 0].numel() == 1
