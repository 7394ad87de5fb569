"""What an audio student starts from: random weights, or its teacher's."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyalm.errors import ConfigError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioEncoder, AudioStudent, deterministic_init
from tinyalm.models.checkpoint import load_student
from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import AudioStudentConfig, BodyConfig
from tinyalm_distill.inheritance import inherit
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.rank_allocation import shape_for
from tinyalm_distill.recipe import Inherit, Recipe
from tinyalm_distill.teacher_cache import Lessons
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.views import Views

_SOUNDS = 320  # windows that layers are fitted on
_HEAD_SOUNDS = 16384  # and the head
_HEAD_STEPS, _HEAD_BATCH, _HEAD_RATE = 3000, 512, 2e-3


def first_student(
    recipe: Recipe, teacher: AudioTextTeacher, views: Views, lessons: Lessons
) -> AudioStudent:
    """The untrained student of ``recipe``.

    An inherited one has the teacher's own body, or a larger student's, cut to size, and a head that
    was fitted to what is left of it.

    Raises:
        ConfigError: this teacher has no body to inherit, or another front end, or the student to
            cut out of is another teacher's or of another shape.
        DataError: that student's checkpoint cannot be read.
    """
    wanted, spec = recipe.audio.body, preset(recipe.frontend)
    if not isinstance(wanted, Inherit):
        return _random(wanted, recipe, teacher)
    inheritance = teacher.body()
    if inheritance is None or inheritance.spec != spec:
        why = "has no body to inherit" if inheritance is None else "hears another front end"
        raise ConfigError(
            f"teacher {teacher.name} {why}; choose another audio.body, or the teacher's frontend"
        )
    source = _body_of(wanted.source, teacher) if wanted.source else inheritance.body
    sounds = _log_mels(lessons, _some(views, _SOUNDS, recipe.seed))
    cut = shape_for(source, wanted, sounds, inheritance.body)
    student = _random(cut, recipe, teacher)
    student.encoder.body = inherit(source, cut, sounds)
    _fit_head(student.encoder, lessons, _some(views, _HEAD_SOUNDS, recipe.seed), recipe.seed)
    return student


def _random(body: BodyConfig, recipe: Recipe, teacher: AudioTextTeacher) -> AudioStudent:
    shape = AudioStudentConfig(embedding_dim=teacher.dim, body=body, hidden=recipe.audio.hidden)
    student = AudioStudent(shape, preset(recipe.frontend))
    deterministic_init(student, recipe.seed)
    return student


def _body_of(checkpoint: str, teacher: AudioTextTeacher) -> SeparableBody:
    """The body of the student in the folder ``checkpoint``."""
    student = load_student(Path(checkpoint))
    body, taught_by = student.audio.encoder.body, student.meta.provenance.teacher
    if not isinstance(body, SeparableBody) or taught_by != f"{teacher.name} {teacher.revision}":
        raise ConfigError(
            f"{checkpoint}: not an inherited student of {teacher.name}; "
            "set audio.body.source to one"
        )
    return body.eval()


def _some(views: Views, count: int, seed: int) -> NDArray[np.int64]:
    """Numbers of some views of the commonest length."""
    lengths = np.array([window.length for window in views.windows])
    values, counts = np.unique(lengths, return_counts=True)
    windows = np.flatnonzero(lengths == values[counts.argmax()])
    draw = np.random.default_rng(seed)
    chosen = draw.choice(windows, min(count, len(windows)), replace=False)
    return chosen * views.config.views + draw.integers(views.config.views, size=len(chosen))


def _log_mels(lessons: Lessons, numbers: NDArray[np.int64]) -> Tensor:
    """(n, frames, n_mels)."""
    return torch.from_numpy(np.stack([lessons.log_mel(int(number)) for number in numbers]))


def _fit_head(
    encoder: AudioEncoder, lessons: Lessons, numbers: NDArray[np.int64], seed: int
) -> None:
    """Fit the head to what the untrained body hears: a cheap start for a student."""
    with torch.inference_mode():
        batches = [
            encoder.features(_log_mels(lessons, part))
            for part in np.array_split(numbers, -(-len(numbers) // _HEAD_BATCH))
        ]
    features = torch.cat(batches).clone()  # of inference mode, which cannot be learned from
    embeddings = torch.from_numpy(lessons.answers.embeddings[numbers].astype(np.float32))
    head = encoder.head
    optimizer = torch.optim.Adam(head.parameters(), lr=_HEAD_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _HEAD_STEPS)
    draw = np.random.default_rng(seed)
    for _ in range(_HEAD_STEPS):
        rows = torch.from_numpy(draw.integers(len(features), size=_HEAD_BATCH))
        loss = cosine_distance(head(features[rows]), embeddings[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
