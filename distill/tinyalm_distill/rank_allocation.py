"""How far each pointwise convolution of a separable teacher may be cut, for a given budget."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor
from torch.nn import functional as F

from tinyalm.errors import ConfigError
from tinyalm.models.counting import cost
from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import SeparableBlock, SeparableConfig
from tinyalm_distill.recipe import Inherit

_SHARES = (1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2)  # of a convolution's weights
_SOUNDS = 96  # windows that sensitivities are measured on: they need no more, and take longest
_STEP = 4  # ranks are multiples of it, at least twice it


class Sensitivity(Struct, frozen=True):
    """What cutting one pointwise convolution alone does to the features.

    Attributes:
        block: its number.
        ranks: those tried, ascending.
        errors: of the pooled features at each, relative to their variance.
    """

    block: int
    ranks: list[int]
    errors: list[float]

    def error(self, rank: int) -> float:
        """The error at any rank: log-linear between those tried, a power law below them."""
        ranks, logs = np.log(self.ranks), np.log(np.maximum(self.errors, 1e-6))
        if rank >= self.ranks[0]:
            return float(np.exp(np.interp(math.log(rank), ranks, logs)))
        slope = (logs[1] - logs[0]) / (ranks[1] - ranks[0])
        return float(np.exp(logs[0] + slope * (math.log(rank) - ranks[0])))


def shape_for(
    source: SeparableBody, wanted: Inherit, log_mels: Tensor, teacher: SeparableBody | None = None
) -> SeparableConfig:
    """The shape that loses least of ``source`` within ``wanted``'s share of multiplications.

    Channels are thinned evenly to ``wanted.width``. Ranks are then raised one step at a time, where
    a step takes off most of the features' error for its multiplications, until they are spent.

    Args:
        source: the body to cut out of.
        wanted: how much of it.
        log_mels: (n, frames, n_mels) float32; some hundred windows of sound.
        teacher: whose multiplications ``wanted`` is a share of; ``source`` itself by default.

    Raises:
        ConfigError: the share is less than what the thinnest such body takes.
    """
    thin = _thinned(source.config, wanted.width)
    budget = wanted.macs * cost(teacher or source, log_mels[:1]).macs
    inputs = [thin.stem, *(block.outputs for block in thin.blocks)]
    places = _places(thin, log_mels)
    sensitivities = list(measure(source, log_mels[:: -(-len(log_mels) // _SOUNDS)]))
    ranks = [2 * _STEP] * len(thin.blocks)

    def spent(block: int, rank: int) -> int:
        return rank * (inputs[block] + inputs[block + 1]) * places[block]

    rest = cost(SeparableBody(_with(thin, ranks)), log_mels[:1]).macs
    if rest > budget:
        least = rest * wanted.macs / budget
        raise ConfigError(
            f"inherit: macs {wanted.macs:g} is below the {least:.3f} that the thinnest body of "
            f"width {wanted.width:g} takes; lower audio.body.width"
        )
    while True:
        best = None
        for block, rank in enumerate(ranks):
            more = spent(block, rank + _STEP) - spent(block, rank)
            full = inputs[block] * inputs[block + 1] * places[block]
            if rest + more > budget or spent(block, rank + _STEP) > full:
                continue
            # A thinned layer of rank r keeps what a full one of rank r / width does.
            scale = wanted.width
            error = sensitivities[block].error
            gain = (error(round(rank / scale)) - error(round((rank + _STEP) / scale))) / more
            if best is None or gain > best[0]:
                best = gain, block, more
        if best is None:
            return _with(thin, ranks)
        ranks[best[1]] += _STEP
        rest += best[2]


def measure(teacher: SeparableBody, log_mels: Tensor) -> Iterator[Sensitivity]:
    """How the pooled features suffer when one pointwise convolution at a time is cut in rank.

    A cut keeps the principal directions of the convolution's outputs on these sounds.
    """
    blocks = teacher.separables()
    with torch.inference_mode():
        heard = F.relu(teacher.stem(log_mels[:, None]))
        exact = teacher(log_mels).mean(dim=(2, 3))
        variance = (exact - exact.mean(dim=0)).square().sum()
        for number, block in enumerate(blocks):
            outputs = block.pointwise(F.relu(block.depthwise(heard)))
            rows = outputs.permute(0, 2, 3, 1)
            mean = rows.mean(dim=(0, 1, 2))
            centred = (rows - mean).flatten(0, 2)
            _, directions = torch.linalg.eigh((centred.T @ centred).double())
            ranks, errors = [], []
            for share in _SHARES:
                rank = _rank(share, heard.shape[1], rows.shape[3])
                kept = directions[:, -rank:].float()
                cut = ((rows - mean) @ kept @ kept.T + mean).permute(0, 3, 1, 2)
                maps = F.relu(cut)
                for later in blocks[number + 1 :]:
                    maps = later(maps)
                error = (maps.mean(dim=(2, 3)) - exact).square().sum() / variance
                ranks.append(rank)
                errors.append(float(error))
            yield Sensitivity(number, ranks, errors)
            heard = F.relu(outputs)


def _rank(share: float, inputs: int, outputs: int) -> int:
    """The rank at which the two factors have ``share`` of the weights, at least one step."""
    return max(_STEP, round(share * inputs * outputs / (inputs + outputs) / _STEP) * _STEP)


def _thinned(config: SeparableConfig, width: float) -> SeparableConfig:
    """``config`` with a share of the channels, to multiples of 8."""

    def channels(count: int) -> int:
        return max(8, round(count * width / 8) * 8)

    blocks = [
        SeparableBlock(outputs=channels(b.outputs), stride=b.stride, rank=b.rank)
        for b in config.blocks
    ]
    return SeparableConfig(stem=channels(config.stem), blocks=tuple(blocks))


def _with(config: SeparableConfig, ranks: list[int]) -> SeparableConfig:
    blocks = [
        SeparableBlock(outputs=b.outputs, stride=b.stride, rank=rank)
        for b, rank in zip(config.blocks, ranks, strict=True)
    ]
    return SeparableConfig(stem=config.stem, blocks=tuple(blocks))


def _places(config: SeparableConfig, log_mels: Tensor) -> list[int]:
    """Rows times columns of every block's output."""
    rows, columns = (-(-size // 2) for size in log_mels.shape[1:])
    places = []
    for block in config.blocks:
        rows, columns = -(-rows // block.stride), -(-columns // block.stride)
        places.append(rows * columns)
    return places
