"""Channels brought nearer to one level, so that one 8-bit scale serves all of a layer's maps."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.models.audio import AudioEncoder
from tinyalm.models.separable import SeparableBody, channel_factors


def equalize(encoder: AudioEncoder, log_mels: Sequence[NDArray[np.float32]]) -> AudioEncoder:
    """An encoder with the same answers and more even channels.

    A ReLU passes positive factors on, so each channel can be divided by one and the weights that
    read it multiplied (cross-layer equalization, arXiv:1906.04721, section 4.1), by
    `channel_factors` of what ``log_mels`` show. Bodies with other activations stay as they are.

    Args:
        encoder: in evaluation mode; left as it is.
        log_mels: sounds to find levels on, each (frames, n_mels) float32; at least one.
    """
    even = copy.deepcopy(encoder)
    if isinstance(even.body, SeparableBody):
        with torch.inference_mode():
            heard = [torch.from_numpy(log_mel)[None, None] for log_mel in log_mels]
            _even_out(even.body, _first_linear(even), heard)
    return even


def _even_out(body: SeparableBody, reader: nn.Linear, heard: list[Tensor]) -> None:
    heard = [F.relu(body.stem(maps)) for maps in heard]
    factors = _divide(body.stem.conv, heard)
    for block in body.separables():
        _multiply(block.depthwise.conv, factors, axis=0)  # a filter reads the channel that it makes
        heard = [F.relu(block.depthwise(maps)) for maps in heard]
        factors = _divide(block.depthwise.conv, heard)
        if block.reduce is not None:
            _multiply(block.reduce, factors, axis=1)
            factors = _divide(block.reduce, [block.reduce(maps) for maps in heard])
        _multiply(block.expand, factors, axis=1)
        heard = [F.relu(block.pointwise(maps)) for maps in heard]
        factors = _divide(block.expand, heard)
    _multiply(reader, factors, axis=1)


def _divide(made_by: nn.Conv2d, maps: list[Tensor]) -> Tensor:
    """Divide the channels of ``made_by``, and of the ``maps`` it made, by the factors returned."""
    squares = [one.square().mean(dim=(0, 2, 3)) for one in maps]
    factors = channel_factors(torch.stack(squares).mean(dim=0).sqrt())
    _multiply(made_by, 1 / factors, axis=0)
    if made_by.bias is not None:
        made_by.bias /= factors
    for one in maps:
        one /= factors[:, None, None]
    return factors


def _multiply(layer: nn.Conv2d | nn.Linear, factors: Tensor, *, axis: int) -> None:
    """Multiply a layer's weights along outputs (axis 0) or inputs (axis 1)."""
    shape = [1] * layer.weight.ndim
    shape[axis] = -1
    layer.weight *= factors.reshape(shape)


def _first_linear(encoder: AudioEncoder) -> nn.Linear:
    """The layer that reads the features."""
    return encoder.head.project if encoder.head.hidden is None else encoder.head.hidden
