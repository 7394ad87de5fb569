"""Depthwise-separable audio students (MobileNetV1, arXiv:1704.04861), the shape of YAMNet.

A student cut out of YAMNet keeps its blocks, with fewer channels and with pointwise convolutions
of low rank: https://github.com/tensorflow/models/tree/master/research/audioset/yamnet.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.models.layers import SameConv
from tinyalm.models.shapes import SeparableBlock, SeparableConfig

_EXPONENT = 0.7  # 0 leaves channels alone, 1 moves all of their differences into the weights
_SMALLEST = 1e-3  # of the layer's largest: a channel that is never heard needs no larger weights


def channel_factors(levels: Tensor) -> Tensor:
    """What channels are divided by before one 8-bit scale serves them all, (channels,).

    Cross-layer equalization, arXiv:1906.04721, by the channels' root mean squares to the power of
    0.7; their largest values, which SmoothQuant takes (arXiv:2211.10438, eq. 4), did worse
    (docs/quantization.md).

    Args:
        levels: (channels,) root mean squares.
    """
    largest = levels.max().clamp_min(torch.finfo(levels.dtype).tiny)
    return (levels / largest).clamp_min(_SMALLEST) ** _EXPONENT


class SeparableBody(nn.Module):
    """Log-mel to feature maps, by `SeparableConfig`. Biases instead of batch normalisation."""

    def __init__(self, config: SeparableConfig) -> None:
        """Build with random weights."""
        super().__init__()
        self.config = config
        self.stem = SameConv(1, config.stem, 3, stride=2)
        inputs = (config.stem, *(block.outputs for block in config.blocks))
        blocks = [Separable(i, block) for i, block in zip(inputs, config.blocks, strict=False)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, log_mel: Tensor) -> Tensor:
        """(batch, frames, n_mels) to (batch, features, frames / 32, n_mels / 32)."""
        maps: Tensor = self.blocks(F.relu(self.stem(log_mel[:, None]), inplace=True))
        return maps

    def separables(self) -> list["Separable"]:
        """The blocks, in order."""
        return [block for block in self.blocks if isinstance(block, Separable)]


class Separable(nn.Module):
    """One block of the body, by `SeparableBlock`."""

    def __init__(self, inputs: int, config: SeparableBlock) -> None:
        """Build with random weights."""
        super().__init__()
        self.depthwise = SameConv(inputs, inputs, 3, stride=config.stride, groups=inputs)
        # Of low rank: a first convolution without bias, then the one that every block has.
        self.reduce = nn.Conv2d(inputs, config.rank, 1, bias=False) if config.rank else None
        self.expand = nn.Conv2d(config.rank or inputs, config.outputs, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, inputs, rows, columns) to (batch, outputs, rows / stride, columns / stride)."""
        # In place: no fresh memory for every map.
        filtered = F.relu(self.depthwise(maps), inplace=True)
        return F.relu(self.pointwise(filtered), inplace=True)

    def pointwise(self, maps: Tensor) -> Tensor:
        """The pointwise convolution, before its activation."""
        mixed: Tensor = self.expand(maps if self.reduce is None else self.reduce(maps))
        return mixed
