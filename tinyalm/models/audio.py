"""Audio students: inverted residuals over log-mel (MobileNetV2, arXiv:1801.04381), by width."""

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.errors import ConfigError
from tinyalm.frontend import LogMelSpec
from tinyalm.models.log_mel import LogMel

# The stem takes 4 x 4 strides at once: at finer resolutions a small network spends its time moving
# memory, not computing. Then (expansion, channels, repeats, stride) of each stage at width 1.
_STEM = 32
_STAGES = [(2, 32, 1, 1), (3, 64, 3, 2), (4, 112, 3, 2)]


class AudioStudentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of an audio student.

    Attributes:
        embedding_dim: size of the space that it shares with its teacher.
        width: multiplies the channels of every stage.
        features: channels that are averaged over time and frequency before the projection.

    Raises:
        ConfigError: a value out of range.
    """

    embedding_dim: int
    width: float = 1.0
    features: int = 640

    def __post_init__(self) -> None:
        """Refuse networks without channels."""
        if self.embedding_dim < 1 or self.features < 1 or not 0.1 <= self.width <= 8:
            raise ConfigError(
                f"student of embedding_dim {self.embedding_dim}, features {self.features}, width "
                f"{self.width:g}: the first two must be at least 1 and width within 0.1 and 8"
            )


class AudioStudent(nn.Module):
    """Waveform to an embedding of unit length, any duration of at least one front-end frame.

    Activations are plain ReLU: it folds into the quantized convolution before it, which
    hard-swish and squeeze-excitation do not.
    """

    def __init__(self, config: AudioStudentConfig, spec: LogMelSpec) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.config = config
        self.frontend = LogMel(spec)
        self.encoder = AudioEncoder(config)

    def forward(self, waveform: Tensor) -> Tensor:
        """(batch, samples) float32 in [-1, 1] to (batch, embedding_dim) of unit length."""
        embedding: Tensor = self.encoder(self.frontend(waveform))
        return embedding


class AudioEncoder(nn.Module):
    """The student behind its front end: (batch, frames, n_mels) to (batch, embedding_dim)."""

    def __init__(self, config: AudioStudentConfig) -> None:
        """Build the network with random weights."""
        super().__init__()
        channels = _scaled(_STEM, config.width)
        layers: list[nn.Module] = [_conv(1, channels, kernel=5, stride=4)]
        for expansion, base, repeats, stride in _STAGES:
            for index in range(repeats):
                out = _scaled(base, config.width)
                first = stride if index == 0 else 1
                layers.append(InvertedResidual(channels, out, expansion, first))
                channels = out
        layers.append(_conv(channels, config.features))
        self.layers = nn.Sequential(*layers)
        self.project = nn.Linear(config.features, config.embedding_dim)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Log-mel to an embedding of unit length."""
        maps = self.layers(log_mel[:, None])  # (batch, features, frames / 16, n_mels / 16)
        return F.normalize(self.project(maps.mean(dim=(2, 3))), dim=-1)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        """Build one block."""
        super().__init__()
        hidden = inputs * expansion
        expand = [_conv(inputs, hidden)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            _conv(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            _conv(hidden, outputs, activate=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, inputs, frames, mels) to (batch, outputs, frames / stride, mels / stride)."""
        filtered: Tensor = self.layers(maps)
        return maps + filtered if self.residual else filtered


def parameters(module: nn.Module) -> int:
    """Number of trainable values in ``module``."""
    return sum(p.numel() for p in module.parameters())


def deterministic_init(module: nn.Module, seed: int) -> None:
    """Reset every layer's weights from ``seed`` without touching torch's global state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in module.modules():
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()


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
