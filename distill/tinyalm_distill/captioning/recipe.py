"""Recipes of captioners (docs/captioning.md)."""

from msgspec import Struct

from tinyalm.errors import ConfigError


class CaptionData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it learns to say.

    Attributes:
        texts: files of captions, one a line, relative to the recipe.
        pairs: manifests of captioned clips, such as `tinyalm distill describe` writes; their
            captions are learned from the sounds as well.
        leave_out: files of captions that must not be learned, such as a test split's.
        licences: of ``texts``; clips have their own.
        short: sentences that are drawn from the teacher's class names, beside each name itself.
        held_out: captions that are only measured on.
    """

    texts: list[str]
    pairs: list[str] = []
    leave_out: list[str] = []
    licences: list[str] = []
    short: int = 12000
    held_out: int = 256


class CaptionShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The decoder: see `tinyalm.models.captioner.CaptionerConfig`, and tokens of its vocabulary."""

    vocabulary: int = 3000
    width: int = 192
    layers: int = 3
    heads: int = 4
    expansion: int = 4
    prefix: int = 4
    max_tokens: int = 32


class Bridge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How embeddings of texts are made like those of sounds.

    Attributes:
        noise: length of the noise that is added to a unit embedding, at most; each sentence draws
            its own up to it (CapDec, arXiv:2211.00575, with many scales).
        projected: share of the sentences whose embedding is replaced by its projection onto the
            teacher's classes (DeCap, arXiv:2303.03032, section 3.3, the other way round).
        temperature: of the softmax over cosines that weighs the classes.

    Raises:
        ConfigError: a value out of range.
    """

    noise: float = 0.5
    projected: float = 0.5
    temperature: float = 0.07

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.noise < 0 or not 0 <= self.projected <= 1 or self.temperature <= 0:
            raise ConfigError(
                "bridge: noise must not be below 0, projected is a share, temperature above 0"
            )


class CaptionTraining(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the decoder is trained, by AdamW.

    Attributes:
        epochs: passes over all sentences.
        batch_size: sentences a step.
        learning_rate: peak, after the warm-up; it falls to 0 along a cosine.
        weight_decay: of matrices.
        warmup: steps.
        smoothing: of the labels (arXiv:1512.00567, section 7).
        clip: largest norm of the gradient.
        validate_every: steps between two measurements; each also saves the state.
        patience: measurements without a better one after which training stops; 0 for never.
        threads: of the CPU; 0 for as many as there are.

    Raises:
        ConfigError: a value out of range.
    """

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 200
    smoothing: float = 0.1
    clip: float = 1.0
    validate_every: int = 500
    patience: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if min(self.epochs, self.batch_size, self.validate_every) < 1:
            raise ConfigError("train: epochs, batch_size and validate_every must be at least 1")
        if min(self.warmup, self.patience, self.threads) < 0 or not 0 <= self.smoothing < 1:
            raise ConfigError(
                "train: warmup, patience and threads must not be below 0, smoothing within 0 and 1"
            )
        if self.learning_rate <= 0 or self.clip <= 0 or self.weight_decay < 0:
            raise ConfigError(
                "train: learning_rate and clip must be above 0, weight_decay not below"
            )


class CaptionRecipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole training of a captioner."""

    name: str
    teacher: str = "yamnet-minilm"
    seed: int = 0
    data: CaptionData
    shape: CaptionShape = CaptionShape()
    bridge: Bridge = Bridge()
    train: CaptionTraining = CaptionTraining()
