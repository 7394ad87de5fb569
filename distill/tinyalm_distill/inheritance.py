"""Students cut out of a separable teacher: fewer channels, pointwise convolutions of low rank.

Every layer is cut and refitted in closed form, first to last, on what its already cut predecessors
give it: the weights that best reproduce the teacher's own outputs before the activation (reduced-
rank regression; asymmetric data reconstruction of Zhang et al., arXiv:1505.06798, eq. 7). Channels
stay by how much they move what follows (after ThiNet, arXiv:1707.06342). Training then goes on
from there: TinyCLIP's weight inheritance (arXiv:2309.12314) for networks of this shape.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.models.layers import SameConv
from tinyalm.models.separable import Separable, SeparableBody
from tinyalm.models.shapes import SeparableConfig

_ROWS = 40000  # positions that a layer is fitted on
_RIDGE = 1e-6  # of the mean diagonal of the inputs' covariance


def inherit(teacher: SeparableBody, config: SeparableConfig, log_mels: Tensor) -> SeparableBody:
    """A body of shape ``config`` with what fits of the teacher's weights.

    Args:
        teacher: a body of as many blocks, with the same strides and at least as many channels.
        config: the shape wanted.
        log_mels: (n, frames, n_mels) float32; some hundred windows of sound to fit on.

    Returns:
        A new body in evaluation mode. With the teacher's own ``config`` it answers as the teacher
        does.
    """
    student = SeparableBody(config).eval()
    if config == teacher.config:
        student.load_state_dict(teacher.state_dict())
        return student
    with torch.inference_mode():
        heard = log_mels[:, None]
        loudness = F.relu(teacher.stem(heard)).mean(dim=(0, 2, 3))
        kept = _largest(loudness * _influence(teacher, 0), config.stem)
        _copy(teacher.stem, student.stem, kept)
        heard, own = F.relu(teacher.stem(heard)), F.relu(student.stem(heard))
        pairs = zip(teacher.separables(), student.separables(), strict=True)
        for number, (block, cut) in enumerate(pairs):
            _copy(block.depthwise, cut.depthwise, kept)
            heard, own = F.relu(block.depthwise(heard)), F.relu(cut.depthwise(own))
            wanted = block.pointwise(heard)
            heard = F.relu(wanted)
            loudness = heard.square().mean(dim=(0, 2, 3)).sqrt()
            shape = config.blocks[number]
            kept = _largest(loudness * _influence(teacher, number + 1), shape.outputs)
            _refit(cut, _rows(own), _rows(wanted[:, kept]), shape.rank)
            own = F.relu(cut.pointwise(own))
    return _trainable(student)


def reduced_rank(inputs: Tensor, outputs: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """The affine map of a rank that reproduces ``outputs`` from ``inputs`` with least squares.

    Args:
        inputs: (n, i).
        outputs: (n, o).
        rank: at most min(i, o).

    Returns:
        ``inner`` (rank, i), ``outer`` (o, rank) and ``bias`` (o,), float32: the map is
        ``outer @ inner @ x + bias`` (reduced-rank regression, Izenman 1975).
    """
    x, y = inputs.double(), outputs.double()
    mean_x, mean_y = x.mean(dim=0), y.mean(dim=0)
    x, y = x - mean_x, y - mean_y
    covariance = x.T @ x
    covariance.diagonal().add_(_RIDGE * covariance.diagonal().mean())
    fitted = torch.linalg.solve(covariance, x.T @ y)  # (i, o), of full rank
    _, directions = torch.linalg.eigh(fitted.T @ covariance @ fitted)  # ascending
    outer = directions[:, -rank:]
    inner = (fitted @ outer).T
    bias = mean_y - outer @ (inner @ mean_x)
    # Equal norms: one learning rate serves both factors.
    balance = (inner.norm() / outer.norm()).sqrt()
    return (inner / balance).float(), (outer * balance).float(), bias.float()


def _refit(block: Separable, inputs: Tensor, outputs: Tensor, rank: int) -> None:
    full = min(inputs.shape[1], outputs.shape[1])
    inner, outer, bias = reduced_rank(inputs, outputs, rank or full)
    if block.reduce is None:
        _set(block.expand, outer @ inner, bias)
    else:
        _set(block.reduce, inner)
        _set(block.expand, outer, bias)


def _set(conv: nn.Conv2d, matrix: Tensor, bias: Tensor | None = None) -> None:
    """Give a pointwise convolution its weights."""
    conv.weight.copy_(matrix[:, :, None, None])
    if conv.bias is not None and bias is not None:
        conv.bias.copy_(bias)


def _copy(source: SameConv, target: SameConv, kept: Tensor) -> None:
    """Give ``target`` the channels ``kept`` of ``source``, a stem or depthwise convolution."""
    for name, value in target.conv.named_parameters():
        value.copy_(source.conv.get_parameter(name)[kept])


def _influence(body: SeparableBody, number: int) -> Tensor:
    """How strongly block ``number`` takes up each of its input channels; 1 past the last."""
    if number == len(body.separables()):
        return torch.ones(1)
    block = body.separables()[number]
    matrix = block.expand.weight.flatten(1)
    if block.reduce is not None:
        matrix = matrix @ block.reduce.weight.flatten(1)
    filters = block.depthwise.conv.weight.flatten(1)
    influence: Tensor = filters.square().sum(dim=1).sqrt() * matrix.square().sum(dim=0).sqrt()
    return influence


def _largest(scores: Tensor, count: int) -> Tensor:
    """Positions of the ``count`` largest, ascending."""
    return torch.sort(torch.topk(scores, count).indices).values


def _rows(maps: Tensor) -> Tensor:
    """(n, channels, rows, columns) to (positions, channels), evenly thinned out."""
    rows = maps.permute(0, 2, 3, 1).flatten(0, 2)
    return rows[:: max(1, -(-len(rows) // _ROWS))]


def _trainable(body: SeparableBody) -> SeparableBody:
    """A copy that was not made in inference mode, so that it can be trained."""
    fresh = SeparableBody(body.config)
    fresh.load_state_dict(body.state_dict())
    return fresh.eval()
