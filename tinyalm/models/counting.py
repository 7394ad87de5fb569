"""What a network costs: weights, multiplications, memory."""

from msgspec import Struct
from torch import Tensor, inference_mode, nn
from torch.utils.hooks import RemovableHandle


class Cost(Struct, frozen=True, kw_only=True):
    """The cost of one forward pass.

    Attributes:
        parameters: trained values.
        macs: multiply-accumulates of convolutions and linear layers.
        peak_bytes: largest input and output of one layer together, as float32.
    """

    parameters: int
    macs: int
    peak_bytes: int

    def __str__(self) -> str:
        """As in ``0.44 M parameters, 8.2 MMAC, peak activations 0.4 MB``."""
        return (
            f"{self.parameters / 1e6:.2f} M parameters, {self.macs / 1e6:.1f} MMAC, "
            f"peak activations {self.peak_bytes / 1e6:.2f} MB"
        )


def parameters(module: nn.Module) -> int:
    """Number of trained values in ``module``."""
    return sum(p.numel() for p in module.parameters())


def cost(module: nn.Module, *inputs: Tensor) -> Cost:
    """The cost of ``module`` on ``inputs``, counted by running it once.

    Attention's own products (query by key, weights by value) belong to no layer and are left out;
    at the sizes of these students they are below 5 %.
    """
    macs = peak = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        nonlocal macs, peak
        if isinstance(layer, nn.Conv2d | nn.Linear):
            macs += result.numel() * layer.weight[0].numel()
        peak = max(peak, 4 * (given[0].numel() + result.numel()))

    hooks: list[RemovableHandle] = [
        layer.register_forward_hook(count)
        for layer in module.modules()
        if not list(layer.children())
    ]
    training = module.training
    try:
        with inference_mode():
            module.eval()(*inputs)
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return Cost(parameters=parameters(module), macs=macs, peak_bytes=peak)
