"""The last steps of a training, in which the student computes as its int8 graph will.

Every value that the graph rounds is rounded, and its gradient passes as if it were not
(straight-through, arXiv:1308.3432; quantization-aware training, arXiv:1712.05877, section 3).
Ranges are those of the batch, so that a training that was interrupted goes on exactly.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.layers import EmbeddingHead, SameConv
from tinyalm.models.separable import SeparableBody, channel_factors

_LEVELS = 255  # steps of an activation
_LARGEST = 63  # of a weight: 7 bits and a sign, see `tinyalm_export.targets`


def check_roundable(encoder: AudioEncoder) -> SeparableBody:
    """The body of ``encoder``.

    Raises:
        ConfigError: it is of another kind than those whose int8 graphs are known here.
    """
    if not isinstance(encoder.body, SeparableBody):
        raise ConfigError(
            "train: int8_steps are for bodies of the families inherit and separable; set it to 0"
        )
    return encoder.body


def rounded(encoder: AudioEncoder, log_mel: Tensor) -> tuple[Tensor, Tensor]:
    """What ``encoder`` makes of a batch in 8 bits.

    Args:
        encoder: with a separable body.
        log_mel: (batch, frames, n_mels) float32.

    Returns:
        Pooled features, (batch, features), and embeddings, (batch, dim) of unit length.

    Raises:
        ConfigError: a body of another kind.
    """
    body = check_roundable(encoder)
    maps, factors = _maps(F.relu(body.stem(log_mel[:, None])))  # the stem stays in float
    for block in body.separables():
        filtered, factors = _maps(F.relu(_conv(block.depthwise, maps, factors)))
        if block.reduce is not None:
            filtered, factors = _maps(_conv(block.reduce, filtered, factors))
        maps, factors = _maps(F.relu(_conv(block.expand, filtered, factors)))
    features = round_values(maps.mean(dim=(2, 3)), factors)
    return features, _embedding(encoder.head, features, factors)


def round_values(values: Tensor, factors: Tensor) -> Tensor:
    """Values at the 256 levels that their own range has, after division by the channels' factors.

    Args:
        values: (batch, channels, …).
        factors: (channels,), what export divides the channels by.
    """
    divisor = factors.reshape(-1, *[1] * (values.ndim - 2))
    with torch.no_grad():
        even = values / divisor
        low, high = even.min().clamp_max(0), even.max().clamp_min(0)
        scale = ((high - low) / _LEVELS).clamp_min(torch.finfo(values.dtype).tiny)
        change = torch.round(even / scale) * scale * divisor - values
    return values + change


def round_weights(weights: Tensor, factors: Tensor) -> Tensor:
    """Weights at the levels of their output's own scale, after what they read was divided.

    Args:
        weights: (outputs, inputs, …).
        factors: (inputs,), what export divides the channels by that are read; for a filter a
            channel, (outputs, 1, …), any.
    """
    with torch.no_grad():
        reads_all = weights.shape[1] == len(factors)
        factor = factors.reshape(1, -1, *[1] * (weights.ndim - 2)) if reads_all else 1.0
        most = (weights * factor).abs().amax(dim=tuple(range(1, weights.ndim)), keepdim=True)
        scale = (most / _LARGEST).clamp_min(torch.finfo(weights.dtype).tiny) / factor
        change = torch.round(weights / scale) * scale - weights
    return weights + change


def _maps(maps: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        factors = channel_factors(maps.square().mean(dim=(0, 2, 3)).sqrt())
    return round_values(maps, factors), factors


def _conv(layer: SameConv | nn.Conv2d, maps: Tensor, factors: Tensor) -> Tensor:
    name = "conv.weight" if isinstance(layer, SameConv) else "weight"
    weights = round_weights(layer.get_parameter(name), factors)
    made: Tensor = functional_call(layer, {name: weights}, (maps,))
    return made


def _embedding(head: EmbeddingHead, features: Tensor, factors: Tensor) -> Tensor:
    if head.hidden is not None:
        weights = round_weights(head.hidden.weight, factors)
        features = F.relu(F.linear(features, weights, head.hidden.bias))
        factors = torch.ones_like(features[0])
        features = round_values(features, factors)
    weights = round_weights(head.project.weight, factors)
    return F.normalize(F.linear(features, weights, head.project.bias), dim=-1)
