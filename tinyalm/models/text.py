"""Text students: static token embeddings (the model2vec line)."""

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.errors import ConfigError


class TextStudentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of a text student.

    Attributes:
        embedding_dim: size of the space that it shares with its teacher.
        vocabulary: number of tokens.
        rank: size of a token's own vector, before the projection that all share.
        max_tokens: longer texts are cut.

    Raises:
        ConfigError: a value out of range.
    """

    embedding_dim: int
    vocabulary: int
    rank: int = 256
    max_tokens: int = 64

    def __post_init__(self) -> None:
        """Refuse tables without rows or columns."""
        for name in ("embedding_dim", "vocabulary", "rank", "max_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")


class TextStudent(nn.Module):
    """Token ids to an embedding of unit length: the sum of token vectors, projected.

    A token's weight in the sum is the length of its vector, learned with it.
    """

    def __init__(self, config: TextStudentConfig) -> None:
        """Build the table with random rows."""
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.vocabulary, config.rank)
        self.project = nn.Linear(config.rank, config.embedding_dim)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed a batch of token sequences.

        Args:
            input_ids: (batch, tokens) int64.
            attention_mask: (batch, tokens) int64, 0 where ``input_ids`` is padding.

        Returns:
            (batch, embedding_dim) float32 of unit length.
        """
        mask = attention_mask.to(torch.float32)[..., None]
        total = (self.table(input_ids) * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1.0)
        return F.normalize(self.project(total), dim=-1)
