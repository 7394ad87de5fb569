"""A small transformer over patches of log-mel (AST, arXiv:2104.01778; CED, arXiv:2308.11957)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.models.shapes import PatchConfig


class PatchBody(nn.Module):
    """Log-mel to feature maps, by `PatchConfig`."""

    def __init__(self, config: PatchConfig) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.config = config
        self.patches = nn.Conv2d(1, config.features, config.patch, config.patch)
        bands = config.n_mels // config.patch
        self.frequency = nn.Parameter(torch.empty(1, config.features, 1, bands))
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(config.features)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the positions in frequency anew."""
        nn.init.normal_(self.frequency, std=0.02)

    def forward(self, log_mel: Tensor) -> Tensor:
        """(batch, frames, n_mels) to (batch, features, frames / patch, n_mels / patch)."""
        # Whole patches: what is cut short at the end is filled up, never dropped.
        padded = F.pad(log_mel, (0, 0, 0, self.config.patch - 1))
        maps = self.patches(padded[:, None])
        maps = maps + _positions(maps) + self.frequency
        tokens: Tensor = self.norm(self.blocks(maps.flatten(2).transpose(1, 2)))
        bands = self.frequency.shape[3]
        return tokens.transpose(1, 2).reshape(tokens.shape[0], self.config.features, -1, bands)


class Block(nn.Module):
    """Pre-norm attention and feed-forward layers, each added to its input."""

    def __init__(self, config: PatchConfig) -> None:
        """Build one block."""
        super().__init__()
        size = config.features
        self.heads = config.heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.feed = nn.Sequential(nn.Linear(size, 4 * size), nn.ReLU(), nn.Linear(4 * size, size))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, features) to the same shape."""
        split = self.qkv(self.attention_norm(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        heard = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(heard.transpose(1, 2).flatten(2))
        fed: Tensor = tokens + self.feed(self.feed_norm(tokens))
        return fed


def _positions(maps: Tensor) -> Tensor:
    """Positions in time, (1, features, steps, 1), of any number (arXiv:1706.03762, section 3.5)."""
    features, steps = maps.shape[1:3]
    rates = -math.log(1e4) / features * torch.arange(0, features, 2, device=maps.device)
    angles = rates.exp()[:, None] * torch.arange(steps, device=maps.device)
    return torch.cat([angles.sin(), angles.cos()])[None, :, :, None]
