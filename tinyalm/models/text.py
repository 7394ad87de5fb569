"""Text students: static token embeddings, and small transformers over factorised ones."""

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.errors import ConfigError


class StaticTextConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="static"
):
    """Shape of a student that adds token vectors up (model2vec): quick, and blind to word order.

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
        _at_least_one(self, "embedding_dim", "vocabulary", "rank", "max_tokens")


class TransformerTextConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="transformer"
):
    """Shape of a student that reads words in their order.

    Attributes:
        embedding_dim: size of the space that it shares with its teacher.
        vocabulary: number of tokens.
        rank: size of a token's own vector, before the matrix that all share lifts it to ``width``
            (factorised embeddings, ALBERT, arXiv:1909.11942, section 3.1).
        width: of the layers; a multiple of ``heads`` and at least ``rank``.
        layers: each attention and a feed-forward part.
        heads: of the attention.
        expansion: of the feed-forward part's hidden vectors over ``width``.
        max_tokens: longer texts are cut.

    Raises:
        ConfigError: a value out of range.
    """

    embedding_dim: int
    vocabulary: int
    rank: int = 96
    width: int = 192
    layers: int = 2
    heads: int = 4
    expansion: int = 2
    max_tokens: int = 64

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        sizes = ("embedding_dim", "vocabulary", "rank", "width", "layers", "heads", "expansion")
        _at_least_one(self, *sizes, "max_tokens")
        if self.width % self.heads or self.width < self.rank:
            raise ConfigError(
                f"width is {self.width}; it must be a multiple of heads ({self.heads}) and at "
                f"least rank ({self.rank})"
            )


TextStudentConfig = StaticTextConfig | TransformerTextConfig


class StaticText(nn.Module):
    """Token ids to an embedding of unit length: the mean of token vectors, projected.

    A token's weight in the mean is the length of its vector, learned with it.
    """

    def __init__(self, config: StaticTextConfig) -> None:
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
        mean = _mean(self.table(input_ids), attention_mask)
        return F.normalize(self.project(mean), dim=-1)


class TransformerText(nn.Module):
    """Token ids to an embedding of unit length: `StaticText` with layers before the mean.

    The layers add to the token vectors and begin by adding nothing (their last matrices are zero),
    so that training starts from the static student.
    """

    def __init__(self, config: TransformerTextConfig) -> None:
        """Build the network: random rows, and layers that add nothing yet."""
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.vocabulary, config.rank)
        self.lift = nn.Linear(config.rank, config.width, bias=False)
        self.positions = nn.Parameter(torch.zeros(config.max_tokens, config.width))
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.project = nn.Linear(config.width, config.embedding_dim)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed a batch of token sequences; arguments and result as in `StaticText.forward`."""
        x = self.lift(self.table(input_ids)) + self.positions[: input_ids.shape[1]]
        barred = (1.0 - attention_mask.to(torch.float32))[:, None, None] * -1e4
        for layer in self.layers:
            x = layer(x, barred)
        return F.normalize(self.project(_mean(x, attention_mask)), dim=-1)


TextStudent = StaticText | TransformerText


def text_student(config: TextStudentConfig) -> TextStudent:
    """The student that ``config`` describes, with random weights."""
    if isinstance(config, StaticTextConfig):
        return StaticText(config)
    return TransformerText(config)


class _Layer(nn.Module):
    """Attention and a feed-forward part, each behind a norm (arXiv:2002.04745)."""

    def __init__(self, config: TransformerTextConfig) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.attention_norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Linear(width, config.expansion * width)
        self.fed = nn.Linear(config.expansion * width, width)
        for last in (self.attended, self.fed):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, barred: Tensor) -> Tensor:
        """(batch, tokens, width) to the same; ``barred`` is added to the scores of each key."""
        batch, tokens, width = x.shape
        parts = self.attend(self.attention_norm(x)).view(batch, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind()
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + barred
        heard = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.attended(heard)
        fed: Tensor = self.fed(F.relu(self.feed(self.feed_norm(x))))
        return x + fed


def _mean(vectors: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean of (batch, tokens, size) over the tokens that are no padding."""
    mask = attention_mask.to(torch.float32)[..., None]
    return (vectors * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1.0)


def _at_least_one(config: TextStudentConfig, *names: str) -> None:
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be at least 1")
