"""The two towers of a CLAP model, of whatever make."""

from abc import ABC, abstractmethod

from msgspec import Struct
from tokenizers import Tokenizer
from torch import Tensor, nn

from tinyalm_distill.teachers.clap.front_end import ClapFrontEnd


class Towers(nn.Module, ABC):
    """Log-mels and token ids to embeddings of one space; not yet of unit length."""

    @abstractmethod
    def audio(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mels, (n, frames, n_mels) float32.

        Returns:
            What the projection reads, (n, features), and the embeddings, (n, dim).
        """

    @abstractmethod
    def text(self, ids: Tensor) -> Tensor:
        """Token ids of texts of one length, (n, tokens) int64, to embeddings (n, dim)."""


class Clap(Struct, frozen=True, kw_only=True):
    """A CLAP checkpoint, loaded.

    Attributes:
        towers: in evaluation mode.
        front_end: its own preprocessing.
        tokenizer: its own, which pads nothing and truncates to what the model reads.
        dim: of the embeddings.
        template: the prompt that its makers use.
        suffix: what its makers put after every text.
    """

    towers: Towers
    front_end: ClapFrontEnd
    tokenizer: Tokenizer
    dim: int
    template: str
    suffix: str = ""
