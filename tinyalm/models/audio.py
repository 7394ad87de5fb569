"""The audio student: log-mel, a body of some family, and the head that makes the embedding."""

import torch
from torch import Tensor, nn

from tinyalm.frontend import LogMelSpec
from tinyalm.models.layers import EmbeddingHead
from tinyalm.models.log_mel import LogMel
from tinyalm.models.mobile import MobileBody
from tinyalm.models.patches import PatchBody
from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import AudioStudentConfig, BodyConfig, MobileConfig, SeparableConfig


class AudioStudent(nn.Module):
    """Waveform to an embedding of unit length, any duration of at least one front-end frame."""

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
        self.config = config
        self.body = build_body(config.body)
        self.head = EmbeddingHead(config.body.features, config.hidden, config.embedding_dim)

    def features(self, log_mel: Tensor) -> Tensor:
        """Log-mel to pooled features, (batch, features)."""
        maps: Tensor = self.body(log_mel)
        return maps.mean(dim=(2, 3))

    def forward(self, log_mel: Tensor) -> Tensor:
        """Log-mel to an embedding of unit length."""
        embedding: Tensor = self.head(self.features(log_mel))
        return embedding

    def framewise(self, log_mel: Tensor) -> Tensor:
        """Log-mel to the embedding of every step of the feature maps, (batch, steps, dim).

        A step sees what its receptive field covers: more than its own frames, less than the window.
        """
        maps: Tensor = self.body(log_mel)
        embeddings: Tensor = self.head(maps.mean(dim=3).transpose(1, 2))
        return embeddings


def build_body(config: BodyConfig) -> nn.Module:
    """The body that ``config`` describes, with random weights."""
    if isinstance(config, MobileConfig):
        return MobileBody(config)
    if isinstance(config, SeparableConfig):
        return SeparableBody(config)
    return PatchBody(config)


def deterministic_init(module: nn.Module, seed: int) -> None:
    """Reset every layer's weights from ``seed`` without touching torch's global state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in module.modules():
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()
