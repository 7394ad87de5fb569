"""Channels that hold zeros, where a kernel is faster with more of them than with fewer."""

import copy

from torch import nn
from torch.nn import functional as F

from tinyalm.models.audio import InvertedResidual


def pad_hidden(module: nn.Module, multiple: int) -> nn.Module:
    """A copy of ``module`` whose inverted residuals filter a multiple of ``multiple`` channels.

    The new channels are zero from their making to their end, so that the function stays the same.

    Args:
        module: with BatchNorm folded; left as it is.
        multiple: channels that a kernel takes at once.
    """
    padded = copy.deepcopy(module)
    for block in padded.modules():
        if isinstance(block, InvertedResidual):
            convolutions = [child for child in block.modules() if isinstance(child, nn.Conv2d)]
            if len(convolutions) == 3:  # without expansion, the channels are not the block's own
                expand, depthwise, project = convolutions
                _pad(expand, depthwise, project, -depthwise.out_channels % multiple)
    return padded


def _pad(expand: nn.Conv2d, depthwise: nn.Conv2d, project: nn.Conv2d, extra: int) -> None:
    for made in (expand, depthwise):
        made.weight = nn.Parameter(F.pad(made.weight, (0, 0) * 3 + (0, extra)))
        if made.bias is not None:
            made.bias = nn.Parameter(F.pad(made.bias, (0, extra)))
        made.out_channels += extra
    depthwise.in_channels = depthwise.groups = depthwise.out_channels
    project.weight = nn.Parameter(F.pad(project.weight, (0, 0) * 2 + (0, extra)))
    project.in_channels += extra
