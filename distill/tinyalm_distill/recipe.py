"""Recipes: all there is to say of a distillation (docs/recipes.md)."""

from typing import Literal

from msgspec import Struct

from tinyalm.errors import ConfigError
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
    """

    manifests: list[str]
    train: str = "train"
    validate: str = "dev"
    validation_share: float = 0.1
    texts: list[str] = []


class ViewsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How views are augmented; the first view of every window is the window as it is.

    Attributes:
        views: views of each window, the plain one among them.
        hop_s: seconds between the starts of two windows of one recording.
        gain_db: range of the loudness change.
        mix: probability that another window is added.
        mix_db: range of the level of the first over the second in a mix.

    Raises:
        ConfigError: a value out of range.
    """

    views: int = 4
    hop_s: float = 1.92
    gain_db: tuple[float, float] = (-15.0, 6.0)
    mix: float = 0.5
    mix_db: tuple[float, float] = (-3.0, 15.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.views < 1 or self.hop_s <= 0 or not 0 <= self.mix <= 1:
            raise ConfigError(
                f"views {self.views}, hop_s {self.hop_s:g}, mix {self.mix:g}: views must be at "
                "least 1, hop_s above 0, and mix a probability"
            )
        for name in ("gain_db", "mix_db"):
            low, high = getattr(self, name)
            if low > high:
                raise ConfigError(f"{name} is [{low:g}, {high:g}]; the lower end comes first")


class AudioShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size of the audio student; see `AudioStudentConfig`."""

    width: float = 1.0
    features: int = 640


class TextTraining(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the text student is made.

    Attributes:
        vocabulary: most frequent tokens that are kept, beside all that occur in the data.
        rank: size of a token's own vector.
        phrases: generated combinations of words, beside the labels and captions.
        epochs: passes over all texts.
        batch_size: texts a step.
        learning_rate: of Adam, falling to 0 along a cosine.
        held_out: share of the texts that is only measured on.

    Raises:
        ConfigError: a value out of range.
    """

    vocabulary: int = 30000
    rank: int = 256
    phrases: int = 20000
    epochs: int = 6
    batch_size: int = 512
    learning_rate: float = 1e-3
    held_out: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if (
            min(self.rank, self.epochs, self.batch_size) < 1
            or min(self.phrases, self.vocabulary) < 0
        ):
            raise ConfigError("text: rank, epochs and batch_size must be at least 1, phrases 0")
        if self.learning_rate <= 0 or not 0 < self.held_out < 0.5:
            raise ConfigError("text: learning_rate must be above 0, held_out within 0 and 0.5")


class TrainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the audio student is trained.

    Attributes:
        steps: optimizer steps.
        batch_size: views a step.
        learning_rate: peak of AdamW's, after the warm-up; it falls to 0 along a cosine.
        weight_decay: of AdamW, on matrices only.
        warmup: steps of linear warm-up.
        ema: decay of the moving average of the weights, which is what is kept.
        validate_every: steps between two measurements; each also saves the state.
        threads: of the CPU; 0 for as many as there are.
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.

    Raises:
        ConfigError: a value out of range.
    """

    steps: int = 2000
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    warmup: int = 100
    ema: float = 0.998
    validate_every: int = 250
    threads: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if min(self.steps, self.batch_size, self.validate_every) < 1 or self.warmup < 0:
            raise ConfigError("train: steps, batch_size and validate_every must be at least 1")
        if self.batch_size < 2:
            raise ConfigError("train: batch_size must be at least 2, for batch normalisation")
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
        audio: size of the audio student.
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
    text: TextTraining = TextTraining()
    train: TrainConfig = TrainConfig()
