"""Inverted residuals over log-mel (MobileNetV2, arXiv:1801.04381), as EfficientAT has them."""

from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.models.shapes import MobileConfig

# The stem takes 4 x 4 strides at once: at finer resolutions a small network spends its time moving
# memory, not computing. Then (expansion, channels, repeats, stride) of each stage at width 1.
_STEM = 32
_STAGES = [(2, 32, 1, 1), (3, 64, 3, 2), (4, 112, 3, 2)]
_SQUEEZE = 4  # a block's channels over those of its squeeze-excitation


class MobileBody(nn.Module):
    """Log-mel to feature maps, by `MobileConfig`.

    Activations are plain ReLU: it folds into the quantized convolution before it, which
    hard-swish does not.
    """

    def __init__(self, config: MobileConfig) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.config = config
        channels = _scaled(_STEM, config.width)
        layers: list[nn.Module] = [_conv(1, channels, kernel=5, stride=4)]
        for expansion, base, repeats, stride in _STAGES:
            for index in range(repeats):
                out = _scaled(base, config.width)
                first = stride if index == 0 else 1
                layers.append(InvertedResidual(channels, out, expansion, first, config.squeeze))
                channels = out
        layers.append(_conv(channels, config.features))
        self.layers = nn.Sequential(*layers)

    def forward(self, log_mel: Tensor) -> Tensor:
        """(batch, frames, n_mels) to (batch, features, frames / 16, n_mels / 16)."""
        maps: Tensor = self.layers(log_mel[:, None])
        return maps


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(
        self, inputs: int, outputs: int, expansion: int, stride: int, squeeze: bool
    ) -> None:
        """Build one block."""
        super().__init__()
        hidden = inputs * expansion
        self.layers = nn.Sequential(
            *([_conv(inputs, hidden)] if expansion > 1 else []),
            _conv(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            *([SqueezeExcitation(hidden)] if squeeze else []),
            _conv(hidden, outputs, activate=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, inputs, frames, mels) to (batch, outputs, frames / stride, mels / stride)."""
        filtered: Tensor = self.layers(maps)
        return maps + filtered if self.residual else filtered


class SqueezeExcitation(nn.Module):
    """Weighs channels by what the whole window holds (arXiv:1709.01507, eq. 2-4)."""

    def __init__(self, channels: int) -> None:
        """Build one block."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // _SQUEEZE, 1)
        self.excite = nn.Conv2d(channels // _SQUEEZE, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to the same shape."""
        pooled = maps.mean(dim=(2, 3), keepdim=True)
        return maps * F.hardsigmoid(self.excite(F.relu(self.squeeze(pooled))))


def _conv(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activate: bool = True,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if activate else []))


def _scaled(channels: int, width: float) -> int:
    """Channels times width, to a multiple of 16, which int8 kernels of depthwise layers take."""
    return max(16, round(channels * width / 16) * 16)
