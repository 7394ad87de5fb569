"""Training of the audio student: warm-up and cosine, moving average, exact resume.

accelerate runs it on a CPU or a GPU, with bf16 and gradient accumulation.
"""

import copy
import hashlib
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import torch
from accelerate import Accelerator
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder
from tinyalm_distill.batches import batches
from tinyalm_distill.momentum_queue import follow
from tinyalm_distill.optimizer import make_optimizer
from tinyalm_distill.quantization_aware import check_roundable
from tinyalm_distill.recipe import Objectives, TrainConfig
from tinyalm_distill.teacher_cache import Lessons
from tinyalm_distill.teaching import Batch, Teaching
from tinyalm_distill.training_state import Course, Measurement, load_state, save_state
from tinyalm_distill.validation import Validation
from tinyalm_distill.views import Views

Report = Callable[[int, float, float], None]  # step, loss of the step, last validation cosine


class Curriculum(Struct, frozen=True):
    """All that a student is trained on and towards.

    Attributes:
        views: what the lessons are of.
        lessons: log-mels and the teacher's answers, a row a view.
        bank: (labels, dim) float32, the teacher's embeddings of its labels.
        validation: what no step has touched.
        objectives: weights of what is taught.
    """

    views: Views
    lessons: Lessons
    bank: NDArray[np.float32]
    validation: Validation
    objectives: Objectives


class Trainer:
    """One training, from its first step or from the state that an earlier process left."""

    def __init__(
        self, student: AudioEncoder, curriculum: Curriculum, config: TrainConfig, seed: int
    ) -> None:
        """Set up; ``student`` is trained in place.

        Raises:
            ConfigError: a device or precision that this machine lacks, an objective that the
                teacher has no answers for, or int8 steps of a body that has none.
        """
        if config.int8_steps:
            check_roundable(student)
        self._accelerator = _accelerator(config)
        self._curriculum, self._config, self._seed = curriculum, config, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the projections
            teaching = Teaching(
                student,
                curriculum.objectives,
                curriculum.lessons.answers,
                torch.from_numpy(curriculum.bank),
            )
        # Channels last is the layout that the CPU's convolutions are fastest in.
        teaching.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = make_optimizer(teaching, config)
        self._teaching, self._prepared = self._accelerator.prepare(teaching, self._optimizer)
        self._inner: Teaching = self._accelerator.unwrap_model(self._teaching)
        self._average: AudioEncoder = copy.deepcopy(self._inner.student).eval()
        self.course = Course()  # read by whoever reports on the training

    def fit(self, state: Path, report: Report) -> AudioEncoder:
        """Train to the last step and give the averaged student.

        Args:
            state: where the state is saved after every measurement; read first if it is there.
                A folder beside it, ``tensorboard``, keeps the curves.
            report: told of every step.

        Raises:
            DataError: the saved state is not of this training, or there is too little to train on.
            ConfigError: the loss is no longer a number.
        """
        if state.is_file():
            load_state(state, self._digest(), self._tensors(), self.course)
        order = batches(
            self._curriculum.views, self._config, self._seed, self._curriculum.lessons.answers
        )
        accumulate = self._config.accumulate
        order = islice(order, self.course.step * accumulate, None)
        losses: list[float] = []
        with SummaryWriter(str(state.with_name("tensorboard"))) as curves:
            while not self._done():
                parts = self._learn(list(islice(order, accumulate)))
                losses.append(parts["total"])
                step = self.course.step
                for name, value in parts.items():
                    curves.add_scalar(f"loss/{name}", value, step)
                report(step, losses[-1], self.course.cosine)
                if step % self._config.validate_every == 0 or step == self._config.steps:
                    cosine = self._curriculum.validation.cosine(self._average)
                    curves.add_scalar("validation/cosine", cosine, step)
                    self.course.history.append(Measurement(step, float(np.mean(losses)), cosine))
                    losses.clear()
                    save_state(state, self._digest(), self._tensors(), self.course)
        return self._average.to("cpu")

    def _done(self) -> bool:
        if self.course.step >= self._config.steps:
            return True
        return 0 < self._config.patience <= self.course.since_best()

    def _learn(self, accumulated: list[list[int]]) -> dict[str, float]:
        """One step of the optimizer; gives its losses."""
        rate = self._config.learning_rate * _schedule(self.course.step, self._config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._inner.rounds = self.course.step >= self._config.steps - self._config.int8_steps
        self._teaching.train()
        sums: dict[str, float] = {}
        for numbers in accumulated:
            with self._accelerator.accumulate(self._teaching):
                losses = self._teaching(self._batch(numbers))
                self._accelerator.backward(losses["total"])
                if self._accelerator.sync_gradients:
                    self._accelerator.clip_grad_norm_(
                        self._teaching.parameters(), self._config.clip
                    )
                self._prepared.step()
                self._prepared.zero_grad()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + float(loss.detach()) / len(accumulated)
        self.course.step += 1
        # Faster at first, when the early weights are worth least.
        decay = min(self._config.ema, self.course.step / (9 + self.course.step))
        follow(self._average, self._inner.student, decay)
        if not math.isfinite(sums["total"]):
            raise ConfigError(
                f"train: the loss is {sums['total']} at step {self.course.step}; lower "
                f"train.learning_rate (it is {self._config.learning_rate:g}) and start again"
            )
        return sums

    def _batch(self, numbers: list[int]) -> Batch:
        lessons, device = self._curriculum.lessons, self._accelerator.device
        answers = lessons.answers

        def rows(values: NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(values[numbers].astype(np.float32)).to(device)

        log_mel = np.stack([lessons.log_mel(number) for number in numbers])
        return Batch(
            log_mel=torch.from_numpy(log_mel).to(device),
            embeddings=rows(answers.embeddings),
            features=None if answers.features is None else rows(answers.features),
            probabilities=None if answers.probabilities is None else rows(answers.probabilities),
            clips=torch.tensor([self._curriculum.views.clip(n) for n in numbers]).to(device),
        )

    def _tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name."""
        tensors = {f"teaching.{k}": v for k, v in self._inner.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self._average.state_dict().items()}
        tensors |= {f"optimizer.{k}": v for k, v in self._optimizer.tensors().items()}
        return tensors

    def _digest(self) -> str:
        """Names the training: another recipe, seed, teacher or data gives another."""
        held = self._curriculum
        taught = hashlib.sha256(held.lessons.answers.embeddings.tobytes()).hexdigest()
        parts = [self._config, self._seed, held.objectives, held.lessons.name, taught]
        content = [*parts, self._inner.student.config]
        return str(msgspec.json.encode(content, order="deterministic").decode())


def _accelerator(config: TrainConfig) -> Accelerator:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train: device is cuda, and torch finds no GPU; set train.device=cpu")
    return Accelerator(
        cpu=config.device == "cpu",
        mixed_precision="bf16" if config.precision == "bf16" else "no",
        gradient_accumulation_steps=config.accumulate,
    )


def _schedule(step: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at ``step``: linear warm-up, then half a cosine to 0."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 + 0.5 * math.cos(math.pi * done)
