"""Training of the audio student: AdamW, warm-up and cosine, moving average, exact resume."""

import copy
import hashlib
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tinyalm.errors import ConfigError, DataError
from tinyalm.models.audio import AudioStudent
from tinyalm_distill.batches import batches
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.recipe import TrainConfig
from tinyalm_distill.validation import Validation
from tinyalm_distill.views import Views


class Measurement(Struct, frozen=True):
    """Where training stood at a step: mean loss since the last one, cosine on validation."""

    step: int
    loss: float
    cosine: float


_HISTORY = "history.json"
Report = Callable[[int, float, float], None]  # step, loss of the step, last validation cosine


class Trainer:
    """One training, from its first step or from the state that an earlier process left."""

    def __init__(
        self,
        student: AudioStudent,
        views: Views,
        targets: NDArray[np.float32],
        validation: Validation,
        config: TrainConfig,
        seed: int,
    ) -> None:
        """Set up; ``targets`` is (len(views), dim), the teacher's embedding of every view."""
        self._device = torch.device(_device(config))
        # Channels last is the layout that the CPU's convolutions are fastest in.
        self._student = student.to(self._device)
        self._student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = copy.deepcopy(self._student)
        self._views, self._targets = views, targets
        self._validation, self._config, self._seed = validation, config, seed
        self._optimizer = torch.optim.AdamW(_groups(student, config), lr=config.learning_rate)
        self.step = 0
        self.history: list[Measurement] = []

    def fit(self, state: Path, report: Report) -> AudioStudent:
        """Train to the last step and give the averaged student.

        Args:
            state: where the state is saved after every measurement; read first if it is there.
            report: told of every step.

        Raises:
            DataError: the saved state is not of this training, or there is too little to train on.
            ConfigError: the loss is no longer a number.
        """
        if state.is_file():
            self._load(state)
        order = batches(self._views, self._config.batch_size, self._seed)
        losses: list[float] = []
        for numbers in islice(order, self.step, self._config.steps):
            losses.append(self._learn(numbers))
            measured = self.history[-1].cosine if self.history else math.nan
            report(self.step, losses[-1], measured)
            if self.step % self._config.validate_every == 0 or self.step == self._config.steps:
                cosine = self._validation.cosine(self._average)
                self.history.append(Measurement(self.step, float(np.mean(losses)), cosine))
                losses.clear()
                self._save(state)
        self._average.train(False)
        return self._average.to("cpu")

    def write_history(self, folder: Path) -> None:
        """Leave the measurements in ``folder``, for `read_history`."""
        (folder / _HISTORY).write_bytes(msgspec.json.encode(self.history))

    def _learn(self, numbers: list[int]) -> float:
        waveforms = np.stack([self._views.waveform(number) for number in numbers])
        target = torch.from_numpy(self._targets[numbers]).to(self._device)
        rate = self._config.learning_rate * _schedule(self.step, self._config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._student.train()
        loss = cosine_distance(self._student(torch.from_numpy(waveforms).to(self._device)), target)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        self.step += 1
        self._follow()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ConfigError(
                f"train: the loss is {value} at step {self.step}; lower train.learning_rate "
                f"(it is {self._config.learning_rate:g}) and start again"
            )
        return value

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the student's, faster at first."""
        decay = min(self._config.ema, (1 + self.step) / (10 + self.step))
        current = self._student.state_dict()
        for name, value in self._average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def _tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name."""
        tensors = {f"student.{k}": v for k, v in self._student.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self._average.state_dict().items()}
        for group in self._optimizer.param_groups:
            for number, parameter in enumerate(group["params"]):
                for key, value in self._optimizer.state[parameter].items():
                    tensors[f"adamw.{group['name']}.{number}.{key}"] = value
        return tensors

    def _save(self, path: Path) -> None:
        metadata = {
            "step": str(self.step),
            "training": self._digest(),
            "history": msgspec.json.encode(self.history).decode(),
        }
        partial = path.with_suffix(".partial")
        tensors = {name: value.cpu().contiguous() for name, value in self._tensors().items()}
        save_file(tensors, partial, metadata)
        partial.replace(path)

    def _load(self, path: Path) -> None:
        for group in self._optimizer.param_groups:  # AdamW makes its state at its first step
            for parameter in group["params"]:
                self._optimizer.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
                if metadata.get("training") != self._digest():
                    raise DataError(
                        f"{path}: the state of another recipe or other data; "
                        "resume with what it was begun with, or choose another --out"
                    )
                for name, value in self._tensors().items():
                    value.copy_(file.get_tensor(name))
            self.step = int(metadata["step"])
            self.history = msgspec.json.decode(metadata["history"], type=list[Measurement])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(f"{path}: damaged ({error}); remove it to start again") from None

    def _digest(self) -> str:
        """Names the training: another recipe, seed, teacher or data gives another."""
        taught = hashlib.sha256(self._targets.tobytes()).hexdigest()
        parts = [self._config, self._seed, self._views.config, self._views.seed]
        content = [*parts, self._views.recordings.name, self._student.config, taught]
        return str(msgspec.json.encode(content, order="deterministic").decode())


def read_history(folder: Path) -> list[Measurement]:
    """The measurements of the training that ended in the checkpoint at ``folder``.

    Raises:
        DataError: they are not there.
    """
    path = folder / _HISTORY
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Measurement])
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: no history of a training ({error})") from None


def _schedule(step: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at ``step``: linear warm-up, then half a cosine to 0."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 + 0.5 * math.cos(math.pi * done)


def _groups(student: nn.Module, config: TrainConfig) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels, none for biases and batch normalisation."""
    matrices = [p for p in student.parameters() if p.ndim > 1]
    vectors = [p for p in student.parameters() if p.ndim <= 1]
    return [
        {"name": "matrices", "params": matrices, "weight_decay": config.weight_decay},
        {"name": "vectors", "params": vectors, "weight_decay": 0.0},
    ]


def _device(config: TrainConfig) -> str:
    if config.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train: device is cuda, and torch finds no GPU; set train.device=cpu")
    return config.device
