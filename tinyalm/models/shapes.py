"""Shapes of audio students: frozen configurations, for whoever has no need of torch."""

from msgspec import Struct

from tinyalm.errors import ConfigError


class MobileConfig(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="family", tag="mobile"
):
    """Shape of a body of inverted residuals.

    Attributes:
        width: multiplies the channels of every stage.
        features: channels of the feature maps.
        squeeze: squeeze-excitation (arXiv:1709.01507) in every block; it hears the whole window
            before a frame is weighed, and does not fold into the quantized convolutions.

    Raises:
        ConfigError: a value out of range.
    """

    width: float = 1.0
    features: int = 640
    squeeze: bool = False

    def __post_init__(self) -> None:
        """Refuse networks without channels."""
        if self.features < 1 or not 0.1 <= self.width <= 8:
            raise ConfigError(
                f"a mobile body of features {self.features}, width {self.width:g}: features must "
                "be at least 1 and width within 0.1 and 8"
            )


class SeparableBlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One block: a depthwise 3 x 3 convolution, then a pointwise one.

    Attributes:
        outputs: channels.
        stride: of the depthwise convolution, in time and frequency.
        rank: of the pointwise convolution, which is then two smaller ones; 0 for full rank.
    """

    outputs: int
    stride: int = 1
    rank: int = 0


class SeparableConfig(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="family",
    tag="separable",
):  # fmt: skip
    """Shape of a separable body.

    Attributes:
        stem: channels of the first convolution, 3 x 3 at stride 2.
        blocks: all blocks, in order.

    Raises:
        ConfigError: a block without channels, or of a stride other than 1 and 2.
    """

    stem: int
    blocks: tuple[SeparableBlock, ...]

    def __post_init__(self) -> None:
        """Refuse what has no channels."""
        for block in self.blocks:
            if block.outputs < 1 or block.rank < 0 or block.stride not in (1, 2):
                raise ConfigError(f"{block}: outputs must be at least 1, rank 0, stride 1 or 2")
        if self.stem < 1 or not self.blocks:
            raise ConfigError("a separable body needs a stem of at least 1 channel and a block")

    @property
    def features(self) -> int:
        """Channels of the feature maps."""
        return self.blocks[-1].outputs


_YAMNET = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
_YAMNET += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]

YAMNET = SeparableConfig(
    stem=32, blocks=tuple(SeparableBlock(outputs=o, stride=s) for o, s in _YAMNET)
)
"""YAMNet's own body: 3.2 M parameters, 69 MMAC a patch of 96 frames and 64 bands."""


class PatchConfig(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="family", tag="patch"
):
    """Shape of a patch transformer; CED-tiny has features 192, layers 12, heads 3.

    Attributes:
        features: size of a patch's vector, a multiple of twice ``heads``.
        layers: transformer blocks.
        heads: attention heads.
        patch: frames and mel bands of a patch.
        n_mels: mel bands of the front end, a multiple of ``patch``.

    Raises:
        ConfigError: sizes that do not divide.
    """

    features: int = 192
    layers: int = 6
    heads: int = 3
    patch: int = 16
    n_mels: int = 64

    def __post_init__(self) -> None:
        """Refuse sizes that do not divide."""
        if min(self.features, self.layers, self.heads, self.patch) < 1:
            raise ConfigError("a patch body needs features, layers, heads and patch of at least 1")
        if self.features % (2 * self.heads) or self.n_mels % self.patch:
            raise ConfigError(
                f"features {self.features} must be a multiple of twice heads {self.heads}, and "
                f"n_mels {self.n_mels} of patch {self.patch}"
            )


BodyConfig = MobileConfig | SeparableConfig | PatchConfig


class AudioStudentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of an audio student.

    Attributes:
        embedding_dim: size of the space that it shares with its teacher.
        body: what turns log-mel into feature maps.
        hidden: units of the head's hidden layer; 0 for a linear head.

    Raises:
        ConfigError: a value out of range.
    """

    embedding_dim: int
    body: BodyConfig = MobileConfig()
    hidden: int = 0

    def __post_init__(self) -> None:
        """Refuse embeddings without dimensions."""
        if self.embedding_dim < 1 or self.hidden < 0:
            raise ConfigError(
                f"student of embedding_dim {self.embedding_dim}, hidden {self.hidden}: the first "
                "must be at least 1 and hidden not below 0"
            )
