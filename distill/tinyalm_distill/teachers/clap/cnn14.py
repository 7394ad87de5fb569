"""Cnn14 of PANNs (arXiv:1912.10211), as msclap 2022 has it; transformers does not."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with batch normalisation and ReLU, and a mean over ``pool``."""

    def __init__(self, inputs: int, outputs: int, pool: int) -> None:
        """Map ``inputs`` channels to ``outputs``."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.pool = pool

    def forward(self, maps: Tensor) -> Tensor:
        """(n, inputs, frames, bands) to (n, outputs, frames // pool, bands // pool)."""
        maps = F.relu(self.bn1(self.conv1(maps)))
        return F.avg_pool2d(F.relu(self.bn2(self.conv2(maps))), self.pool)


class Cnn14(nn.Module):
    """Log-mel to an embedding: blocks of convolutions, mean over bands, mean and maximum over time.

    Args:
        bands: mel bands.
        widths: channels of each block; the last one does not pool.
        features: of the embedding.
    """

    def __init__(self, bands: int, widths: Sequence[int], features: int) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(bands)
        self.blocks = len(widths)
        for number, (inputs, outputs) in enumerate(zip((1, *widths), widths, strict=False), 1):
            pool = 2 if number < self.blocks else 1
            self.add_module(f"conv_block{number}", ConvBlock(inputs, outputs, pool))
        self.fc1 = nn.Linear(widths[-1], features)

    def forward(self, log_mel: Tensor) -> Tensor:
        """(n, frames, bands) to (n, features)."""
        maps = self.bn0(log_mel[:, None].transpose(1, 3)).transpose(1, 3)
        for number in range(1, self.blocks + 1):
            maps = self.get_submodule(f"conv_block{number}")(maps)
        over_time = maps.mean(dim=3)
        both = torch.amax(over_time, dim=2) + over_time.mean(dim=2)
        return F.relu(self.fc1(both))
