"""Training of a captioner: warm-up and cosine, exact resume, early stop."""

import hashlib
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.captioning.vocabulary import FULL, PAD
from tinyalm.errors import ConfigError
from tinyalm.models.captioner import Captioner, CaptionerConfig
from tinyalm_distill.captioning.lessons import Lessons, batches, bridged
from tinyalm_distill.captioning.recipe import CaptionRecipe
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.training_state import Course, Measurement, load_state, save_state

Report = Callable[[int, int, str], None]  # step, of how many, note


class CaptionTrainer:
    """One training, from its first step or from the state that an earlier process left."""

    def __init__(self, recipe: CaptionRecipe, lessons: Lessons, teacher: AudioTextTeacher) -> None:
        """Set up the captioner of ``recipe``; the teacher reads what is said in measurements."""
        self._recipe, self._lessons, self._teacher = recipe, lessons, teacher
        dim, tokens = lessons.embeddings.shape[1], lessons.tokenizer.get_vocab_size()
        shape = msgspec.structs.asdict(recipe.shape) | {"vocabulary": tokens}
        torch.manual_seed(recipe.seed)
        self.captioner = Captioner(CaptionerConfig(embedding_dim=dim, **shape))
        config = recipe.train
        groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for parameter in self.captioner.parameters():
            groups[parameter.ndim > 1].append(parameter)
        self._optimizer = torch.optim.AdamW(
            [
                {"params": groups[True], "weight_decay": config.weight_decay},
                {"params": groups[False], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
        )
        self._texts = torch.from_numpy(lessons.embeddings)
        self._projected = torch.from_numpy(lessons.projected)
        self.steps = config.epochs * -(-len(lessons.train) // config.batch_size)
        self.course = Course()

    def fit(self, state: Path, report: Report) -> Captioner:
        """Train to the last step, or until nothing gets better.

        Args:
            state: where the state is saved after every measurement; read first if it is there.
            report: told of every step.

        Raises:
            DataError: the saved state is of another training.
            ConfigError: the loss is no longer a number.
        """
        config, seed = self._recipe.train, self._recipe.seed
        if state.is_file():
            load_state(state, self._digest(), self._tensors(), self.course)
        order = batches(self._lessons, config.batch_size, config.epochs, seed)
        losses: list[float] = []
        for rows, ids in islice(order, self.course.step, None):
            if 0 < config.patience <= self.course.since_best():
                break
            losses.append(self._learn(torch.from_numpy(rows), ids))
            step = self.course.step
            report(step, self.steps, f"loss {losses[-1]:.3f}, cosine {self.course.cosine:.3f}")
            if step % config.validate_every == 0 or step == self.steps:
                found = Measurement(step, float(np.mean(losses)), self.cosine())
                self.course.history.append(found)
                losses.clear()
                save_state(state, self._digest(), self._tensors(), self.course)
        return self.captioner.eval()

    def cosine(self) -> float:
        """Mean cosine of held-out captions to what is said when their embeddings are given."""
        lessons, held = self._lessons, self._lessons.held_out
        self.captioner.eval()
        said = self.captioner.greedy(self._texts[held], FULL)
        texts = [lessons.tokenizer.decode(ids).replace(" ##", "") or "nothing" for ids in said]
        return float(
            (self._teacher.embed_text(texts) * lessons.embeddings[held]).sum(axis=1).mean()
        )

    def _learn(self, rows: Tensor, ids: Tensor) -> float:
        config, step = self._recipe.train, self.course.step
        for group in self._optimizer.param_groups:
            group["lr"] = config.learning_rate * _share(step, self.steps, config.warmup)
        draws = torch.Generator().manual_seed((self._recipe.seed << 32) + step)
        given = bridged(self._texts[rows], self._projected[rows], self._recipe.bridge, draws)
        self.captioner.train()
        logits, _ = self.captioner(given[:, None], ids[:, :-1], self.captioner.nothing(len(ids)))
        loss = F.cross_entropy(
            logits.flatten(0, 1),
            ids[:, 1:].flatten(),
            ignore_index=PAD,
            label_smoothing=config.smoothing,
        )
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.captioner.parameters(), config.clip)
        self._optimizer.step()
        self.course.step += 1
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ConfigError(
                f"train: the loss is {value} at step {step}; lower train.learning_rate (it is "
                f"{config.learning_rate:g}) and start again"
            )
        return value

    def _tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name."""
        tensors = {
            f"captioner.{name}": value for name, value in self.captioner.state_dict().items()
        }
        for group in self._optimizer.param_groups:
            for parameter in group["params"]:
                if not self._optimizer.state[parameter]:  # AdamW makes it at its first step
                    self._optimizer.state[parameter] = {
                        "step": torch.tensor(0.0),
                        "exp_avg": torch.zeros_like(parameter),
                        "exp_avg_sq": torch.zeros_like(parameter),
                    }
        for name, parameter in self.captioner.named_parameters():
            for key, value in self._optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{key}"] = value
        return tensors

    def _digest(self) -> str:
        """Names the training: another recipe or other data give another."""
        taught = hashlib.sha256(self._lessons.embeddings.tobytes())
        taught.update(msgspec.json.encode(self._lessons.ids))
        content = [self._recipe, taught.hexdigest()]
        return str(msgspec.json.encode(content, order="deterministic").decode())


def _share(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at ``step``: linear warm-up, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 + 0.5 * math.cos(math.pi * (step - warmup) / max(1, steps - warmup))
