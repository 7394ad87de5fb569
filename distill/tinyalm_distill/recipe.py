"""Recipes: all there is to say of a distillation (docs/recipes.md)."""

from typing import Literal

from msgspec import Struct

from tinyalm.errors import ConfigError
from tinyalm.models.shapes import MobileConfig, PatchConfig, SeparableConfig
from tinyalm.windows import WindowRule

WINDOWS = WindowRule(length_s=1.92, hop_s=0.96, grid_s=0.48, min_s=0.96)


class DataConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which recordings.

    Attributes:
        manifests: manifests or folders of recordings, relative to the recipe, or ``asset:NAME``
            for sounds that `tinyalm distill pull NAME` has fetched.
        train: split to learn from; clips without a split are shared out.
        validate: split to measure on, never learned from.
        validation_share: of the clips without a split, those that are measured on.
        texts: files of further texts for the text student, one a line, relative to the recipe.
        licences: of these files, one for all of them or one for each.

    Raises:
        ConfigError: neither so many licences as files, nor one.
    """

    manifests: list[str]
    train: str = "train"
    validate: str = "dev"
    validation_share: float = 0.1
    texts: list[str] = []
    licences: list[str] = []

    def __post_init__(self) -> None:
        """Refuse licences of which nobody can say whose they are."""
        if len(self.licences) not in (0, 1, len(self.texts)):
            raise ConfigError(
                f"data: {len(self.licences)} licences of {len(self.texts)} files of texts; "
                "give one for all of them, or one for each"
            )


class ViewsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How views are augmented; the first view of every window is the window as it is.

    Attributes:
        views: views of each window, the plain one among them.
        hop_s: seconds between the starts of two windows of one recording; at most a window.
        mix: probability that another window is added.
        mix_db: range of the level of the first over the second in a mix.
        splice: probability that another window takes over partway ("A, then B").
        respeed: probability that a window is played at another speed, and so another pitch.
        speed: range of the factor.
        filter: probability of a random frequency response.
        filter_db: its gains are within plus and minus this.
        reverb: probability of a random room.
        noise: probability of white to brown noise.
        noise_db: range of the level of the sound over the noise.
        gain_db: range of the loudness change.

    Raises:
        ConfigError: a value out of range.
    """

    views: int = 4
    hop_s: float = 1.92
    mix: float = 0.5
    mix_db: tuple[float, float] = (-3.0, 15.0)
    splice: float = 0.0
    respeed: float = 0.0
    speed: tuple[float, float] = (0.75, 1.33)
    filter: float = 0.0
    filter_db: float = 12.0
    reverb: float = 0.0
    noise: float = 0.0
    noise_db: tuple[float, float] = (0.0, 40.0)
    gain_db: tuple[float, float] = (-15.0, 6.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.views < 1 or self.hop_s <= 0:
            raise ConfigError(
                f"views {self.views}, hop_s {self.hop_s:g}: views must be at least 1, hop_s above 0"
            )
        for name in ("mix", "splice", "respeed", "filter", "reverb", "noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name):g}; it is a probability")
        for name in ("mix_db", "speed", "noise_db", "gain_db"):
            low, high = getattr(self, name)
            if low > high:
                raise ConfigError(f"{name} is [{low:g}, {high:g}]; the lower end comes first")
        if not 0.25 <= self.speed[0] <= self.speed[1] <= 4 or self.filter_db < 0:
            raise ConfigError("speed must be within 0.25 and 4, and filter_db not below 0")


class Inherit(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="family", tag="inherit"
):
    """A body that is cut out of the teacher's, see `tinyalm_distill.inheritance`.

    Attributes:
        macs: multiplications that are kept, as a share of the teacher's.
        width: channels that are kept, as a share of those there are; the rest of the saving is
            made by the ranks of the pointwise convolutions.
        source: checkpoint of a larger student of this teacher, to cut out of that instead: what
            it learned about getting along with less is kept.

    Raises:
        ConfigError: a share out of range.
    """

    macs: float = 0.5
    width: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse shares of nothing or of more than all."""
        if not 0 < self.macs <= 1 or not 0 < self.width <= 1:
            raise ConfigError(
                f"inherit: macs {self.macs:g}, width {self.width:g}; both are above 0 and at most 1"
            )


class AudioShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The audio student: what its body is, and how many hidden units its head has."""

    body: MobileConfig | SeparableConfig | PatchConfig | Inherit = MobileConfig()
    hidden: int = 0


class Objectives(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the audio student is taught, by weight; see docs/objectives.md for the formulas.

    Attributes:
        embedding: cosine distance of the embeddings.
        features: cosine distance of the features before the head, through a learned projection.
        classes: the teacher's class probabilities, from those projected features.
        relations: distances and angles within the batch.
        labels: probabilities over a bank of label embeddings, at `temperature`.
        contrast: InfoNCE of the student's embedding with the teacher's, against a queue of the
            teacher's embeddings of other windows, at `temperature`.
        queue: rows of that queue.
        temperature: that cosines are divided by.

    Raises:
        ConfigError: a weight below 0, or nothing to learn.
    """

    embedding: float = 1.0
    features: float = 0.0
    classes: float = 0.0
    relations: float = 0.0
    labels: float = 0.0
    contrast: float = 0.0
    queue: int = 16384
    temperature: float = 0.07

    def __post_init__(self) -> None:
        """Refuse what teaches nothing."""
        weights = [getattr(self, name) for name in OBJECTIVES]
        if min(weights) < 0 or max(weights) == 0:
            raise ConfigError("objectives: no weight may be below 0, and one must be above")
        if self.queue < 1 or self.temperature <= 0:
            raise ConfigError("objectives: queue must be at least 1 and temperature above 0")


OBJECTIVES = ("embedding", "features", "classes", "relations", "labels", "contrast")


class TextTraining(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the text student is made.

    Attributes:
        vocabulary: tokens that are kept, beside single characters: in turn the data's most used
            and the language's most frequent.
        rank: size of a token's own vector.
        table_bits: of each of its numbers in an int8 bundle; with 4 it is trained for that, and
            the bundle loses nothing further.
        layers: of a transformer that reads words in their order; 0 for a table of token vectors
            alone.
        width: of the layers.
        phrases: generated combinations of words, beside the labels and captions.
        epochs: passes over all texts.
        batch_size: texts a step.
        learning_rate: peak of Adam's, after a warm-up; it falls to 0 along a cosine.
        held_out: share of the texts that is only measured on.

    Raises:
        ConfigError: a value out of range.
    """

    vocabulary: int = 30000
    rank: int = 256
    table_bits: Literal[4, 8] = 8
    layers: int = 0
    width: int = 192
    phrases: int = 20000
    epochs: int = 6
    batch_size: int = 512
    learning_rate: float = 1e-3
    held_out: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        least = (self.rank, self.width, self.epochs, self.batch_size)
        if min(least) < 1 or min(self.phrases, self.vocabulary, self.layers) < 0:
            raise ConfigError(
                "text: rank, width, epochs and batch_size must be at least 1, vocabulary, layers "
                "and phrases 0"
            )
        if self.learning_rate <= 0 or not 0 < self.held_out < 0.5:
            raise ConfigError("text: learning_rate must be above 0, held_out within 0 and 0.5")


class TrainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the audio student is trained.

    Attributes:
        steps: optimizer steps.
        int8_steps: the last of them, in which the student computes as its int8 graph will.
        batch_size: views a batch.
        accumulate: batches whose gradients make one step.
        optimizer: ``adamw``, or ``muon`` for the student's matrices and AdamW for the rest; see
            `tinyalm_distill.optimizer`.
        learning_rate: peak of the optimizer's, after the warm-up; it falls to 0 along a cosine.
        weight_decay: of matrices only.
        clip: largest norm of the gradient.
        warmup: steps of linear warm-up.
        ema: decay of the moving average of the weights, which is what is kept.
        validate_every: steps between two measurements; each also saves the state.
        patience: measurements without a better validation cosine after which training stops; 0
            for never.
        clusters: of the teacher's embeddings, each drawn equally often (S-SONDO); 0 takes every
            window once an epoch.
        threads: of the CPU; 0 for as many as there are.
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
        precision: ``bf16`` for mixed precision, where the device has it.

    Raises:
        ConfigError: a value out of range.
    """

    steps: int = 2000
    int8_steps: int = 0
    batch_size: int = 64
    accumulate: int = 1
    optimizer: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    clip: float = 5.0
    warmup: int = 100
    ema: float = 0.998
    validate_every: int = 250
    patience: int = 0
    clusters: int = 0
    threads: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if min(self.steps, self.accumulate, self.validate_every) < 1:
            raise ConfigError("train: steps, accumulate and validate_every must be at least 1")
        if not 0 <= self.int8_steps <= self.steps:
            raise ConfigError(f"train: int8_steps must be within 0 and steps, {self.steps}")
        if self.batch_size < 2:
            raise ConfigError("train: batch_size must be at least 2, for batch normalisation")
        if min(self.warmup, self.patience, self.clusters) < 0 or self.clip <= 0:
            raise ConfigError(
                "train: warmup, patience and clusters must not be below 0, clip above"
            )
        if self.learning_rate <= 0 or self.weight_decay < 0 or not 0 <= self.ema < 1:
            raise ConfigError(
                "train: learning_rate must be above 0, weight_decay not below, ema within 0 and 1"
            )


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole distillation.

    Attributes:
        name: of the student.
        teacher: as `open_teacher` knows it.
        seed: of everything that is drawn.
        labels: default label set of the student: the ``teacher``'s or the ``data``'s labels.
        frontend: preset of the student's front end.
        windows: how recordings of any length are cut.
        data: recordings and texts.
        views: augmentation.
        audio: shape of the audio student.
        objectives: what it is taught.
        text: size and training of the text student.
        train: training of the audio student.
    """

    name: str
    teacher: str = "yamnet-minilm"
    seed: int = 0
    labels: Literal["teacher", "data"] = "teacher"
    frontend: str = "edge-16k"
    windows: WindowRule = WINDOWS
    data: DataConfig
    views: ViewsConfig = ViewsConfig()
    audio: AudioShape = AudioShape()
    objectives: Objectives = Objectives()
    text: TextTraining = TextTraining()
    train: TrainConfig = TrainConfig()
