"""What an audio student starts from: random weights, or its teacher's."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyalm.errors import ConfigError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioStudent, deterministic_init
from tinyalm.models.layers import EmbeddingHead
from tinyalm.models.shapes import AudioStudentConfig
from tinyalm_distill.inheritance import inherit
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.rank_allocation import shape_for
from tinyalm_distill.recipe import Inherit, Recipe
from tinyalm_distill.teacher_cache import Lessons
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.views import Views

_SOUNDS = 320  # windows that layers are fitted on
_HEAD_STEPS, _HEAD_BATCH, _HEAD_RATE = 3000, 512, 2e-3


def first_student(
    recipe: Recipe, teacher: AudioTextTeacher, views: Views, lessons: Lessons
) -> AudioStudent:
    """The untrained student of ``recipe``.

    An inherited one has the teacher's own body, cut to size, and where no channel of its features
    is lost, a head that was fitted to the teacher's features.

    Raises:
        ConfigError: this teacher has no body to inherit, or another front end.
    """
    wanted, spec = recipe.audio.body, preset(recipe.frontend)
    if not isinstance(wanted, Inherit):
        shape = AudioStudentConfig(
            embedding_dim=teacher.dim, body=wanted, hidden=recipe.audio.hidden
        )
        student = AudioStudent(shape, spec)
        deterministic_init(student, recipe.seed)
        return student
    inheritance = teacher.body()
    if inheritance is None or inheritance.spec != spec:
        why = "has no body to inherit" if inheritance is None else "hears another front end"
        raise ConfigError(
            f"teacher {teacher.name} {why}; choose another audio.body, or the teacher's frontend"
        )
    body, sounds = inheritance.body, _some(views, lessons, recipe.seed)
    cut = shape_for(body, wanted, sounds)
    shape = AudioStudentConfig(embedding_dim=teacher.dim, body=cut, hidden=recipe.audio.hidden)
    student = AudioStudent(shape, spec)
    deterministic_init(student, recipe.seed)
    student.encoder.body = inherit(body, cut, sounds)
    features = lessons.answers.features
    if features is not None and cut.features == features.shape[1]:
        _fit_head(student.encoder.head, features, lessons.answers.embeddings, recipe.seed)
    return student


def _some(views: Views, lessons: Lessons, seed: int) -> Tensor:
    """Log-mels of some views of the commonest length, (n, frames, n_mels)."""
    lengths = np.array([window.length for window in views.windows])
    values, counts = np.unique(lengths, return_counts=True)
    windows = np.flatnonzero(lengths == values[counts.argmax()])
    draw = np.random.default_rng(seed)
    chosen = draw.choice(windows, min(_SOUNDS, len(windows)), replace=False)
    numbers = chosen * views.config.views + draw.integers(views.config.views, size=len(chosen))
    return torch.from_numpy(np.stack([lessons.log_mel(int(number)) for number in numbers]))


def _fit_head(
    head: EmbeddingHead, features: NDArray[np.float32], embeddings: NDArray[np.float32], seed: int
) -> None:
    """Fit the head to the teacher's own features and embeddings: a cheap start for a student."""
    optimizer = torch.optim.Adam(head.parameters(), lr=_HEAD_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _HEAD_STEPS)
    draw = np.random.default_rng(seed)
    for _ in range(_HEAD_STEPS):
        rows = draw.integers(len(features), size=_HEAD_BATCH)
        given = torch.from_numpy(features[rows].astype(np.float32))
        wanted = torch.from_numpy(embeddings[rows].astype(np.float32))
        loss = cosine_distance(head(given), wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
