"""Captioners: small decoders that say the sentence whose embedding they are given."""

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.captioning.vocabulary import END, SPECIAL
from tinyalm.errors import ConfigError


class CaptionerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of a captioner.

    Attributes:
        embedding_dim: size of the space that it is given embeddings of.
        vocabulary: number of tokens, `SPECIAL` among them.
        width: of the layers, a multiple of ``heads``.
        layers: each attention and a feed-forward part.
        heads: of the attention.
        expansion: of the feed-forward part's hidden vectors over ``width``.
        prefix: tokens that an embedding becomes.
        max_tokens: of a sentence, those that begin and end it included.

    Raises:
        ConfigError: a value out of range.
    """

    embedding_dim: int
    vocabulary: int
    width: int = 192
    layers: int = 3
    heads: int = 4
    expansion: int = 4
    prefix: int = 4
    max_tokens: int = 32

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("embedding_dim", "width", "layers", "heads", "expansion", "prefix"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.width % self.heads:
            raise ConfigError(f"width {self.width} is no multiple of heads, {self.heads}")
        if self.vocabulary <= len(SPECIAL) or self.max_tokens < len(SPECIAL):
            raise ConfigError(
                f"vocabulary {self.vocabulary}, max_tokens {self.max_tokens}: the first must be "
                f"above {len(SPECIAL)}, the second at least that"
            )


class Captioner(nn.Module):
    """A decoder behind a prefix of projected embeddings (ClipCap, arXiv:2111.09734, section 3).

    The table of token vectors also scores the next token. Everything before a token is kept as
    keys and values, so that each further token costs one step.
    """

    def __init__(self, config: CaptionerConfig) -> None:
        """Build the decoder with random weights."""
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Parameter(torch.zeros(config.prefix + config.max_tokens, config.width))
        self.project = nn.Linear(config.embedding_dim, config.prefix * config.width)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.table.weight, std=config.width**-0.5)

    def decoders(self) -> list["DecoderLayer"]:
        """The layers, in order."""
        return [layer for layer in self.layers if isinstance(layer, DecoderLayer)]

    def forward(self, embedding: Tensor, input_ids: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Score the token that follows each of ``input_ids``.

        Args:
            embedding: (batch, given, embedding_dim) float32 of unit length: 1 at a sentence's
                beginning, 0 at its further steps.
            input_ids: (batch, tokens) int64, those that come next.
            past: (layers, 2, batch, heads, before, width / heads) float32, the keys and values of
                all that came before, as a call returned them; ``before`` is 0 at the beginning.

        Returns:
            logits: (batch, tokens, vocabulary) float32.
            present: as ``past``, with the new ones behind.
        """
        batch, before = input_ids.shape[0], past.shape[4]
        prefix = self.project(embedding).view(batch, -1, self.config.width)
        x = torch.cat([prefix, self.table(input_ids)], dim=1)
        places = torch.arange(before, before + x.shape[1], device=x.device)
        x = x + self.positions[places]
        seen = torch.arange(before + x.shape[1], device=x.device)[None] <= places[:, None]
        kept = []
        for layer, known in zip(self.layers, past, strict=True):
            x, now = layer(x, known, seen)
            kept.append(now)
        said = self.norm(x[:, prefix.shape[1] :])
        return F.linear(said, self.table.weight), torch.stack(kept)

    def nothing(self, batch: int) -> Tensor:
        """The ``past`` of a beginning."""
        c = self.config
        return self.table.weight.new_zeros(c.layers, 2, batch, c.heads, 0, c.width // c.heads)

    @torch.inference_mode()
    def greedy(self, embeddings: Tensor, start: int) -> list[list[int]]:
        """The likeliest token again and again, until `END`.

        Args:
            embeddings: (n, embedding_dim) float32 of unit length.
            start: the first token, one of `STYLES`.

        Returns:
            The token ids of n sentences, without ``start`` and `END`.
        """
        ids = torch.full((len(embeddings), 1), start)
        given, past, said = embeddings[:, None], self.nothing(len(embeddings)), [ids]
        for _ in range(self.config.max_tokens - 1):
            logits, past = self(given, ids, past)
            given, ids = given[:, :0], logits[:, -1].argmax(dim=-1, keepdim=True)
            said.append(ids)
            if (torch.cat(said, dim=1) == END).any(dim=1).all():
                break
        return [_until_end(row) for row in torch.cat(said[1:], dim=1).tolist()]


class DecoderLayer(nn.Module):
    """Attention and a feed-forward part, each behind a norm (arXiv:2002.04745)."""

    def __init__(self, config: CaptionerConfig) -> None:
        """Build with random weights."""
        super().__init__()
        width, self.heads = config.width, config.heads
        self.attention_norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Linear(width, config.expansion * width)
        self.fed = nn.Linear(config.expansion * width, width)

    def forward(self, x: Tensor, past: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
            x: (batch, tokens, width).
            past: (2, batch, heads, before, width / heads).
            seen: (tokens, before + tokens) bool, what each token attends to.

        Returns:
            (batch, tokens, width), and ``past`` with the new keys and values behind.
        """
        batch, tokens, width = x.shape
        parts = self.attend(self.attention_norm(x)).view(batch, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind()
        present = torch.cat([past, torch.stack([key, value])], dim=3)
        heard = F.scaled_dot_product_attention(query, present[0], present[1], attn_mask=seen)
        x = x + self.attended(heard.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.fed(F.relu(self.feed(self.feed_norm(x)))), present


def _until_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(END)] if END in ids else ids
