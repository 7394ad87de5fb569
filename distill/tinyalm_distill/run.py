"""`tinyalm distill run`: from a recipe to a checkpoint."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from safetensors import SafetensorError

from tinyalm.bundle import Calibration
from tinyalm.cache import cache_dir
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioStudent
from tinyalm.models.checkpoint import Student, StudentMeta, save_student
from tinyalm_distill.cache import world
from tinyalm_distill.calibration import fit_calibration
from tinyalm_distill.filling import Filled, fill_cache
from tinyalm_distill.progress import bar
from tinyalm_distill.provenance import data_sources, provenance
from tinyalm_distill.recipe import Recipe
from tinyalm_distill.recordings import Recordings
from tinyalm_distill.run_folder import STATE
from tinyalm_distill.start import first_student
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.text_training import DistilledText, distil_text
from tinyalm_distill.trainer import Curriculum, Trainer
from tinyalm_distill.training_state import write_history
from tinyalm_distill.validation import Validation

_CALIBRATION_WINDOWS = 256

Say = Callable[[str], None]


class Outcome(Struct, frozen=True):
    """What a distillation ended with."""

    meta: StudentMeta
    skipped: int


def distil(recipe: Recipe, teacher: AudioTextTeacher, out: Path, *, say: Say) -> Outcome:
    """Distil a student as ``recipe`` says and leave its checkpoint in ``out``.

    Args:
        recipe: what to do.
        teacher: the one that ``recipe`` names, opened.
        out: the checkpoint's folder, see `claim`; an interrupted run left there is gone on with.
        say: told, line by line, what goes on.

    Raises:
        TinyalmError: nothing to learn from, a state in ``out`` that is another run's, a full disk.
    """
    if world().size > 1:
        raise ConfigError(
            f"run is one process, not {world().size}; several may fill the cache before it: "
            "launch `tinyalm distill cache` so"
        )
    torch.set_num_threads(recipe.train.threads or os.cpu_count() or 1)
    cache = cache_dir() / "distill"
    filled, effort = fill_cache(
        recipe, teacher, cache, say=say, check=lambda train: _labels(recipe, teacher, train)
    )
    say(f"cache: {effort}")
    train, held_out = filled.train, filled.held_out
    labels, bank = _labels(recipe, teacher, train), _bank(recipe, teacher, train)
    sources = data_sources(recipe, train)
    text = distil_text(filled.texts, recipe.text, seed=recipe.seed)
    say(f"text student: mean cosine to the teacher {text.cosine:.3f} on held-out phrases")
    validation = Validation(held_out, recipe.windows, preset(recipe.frontend), filled.targets)
    audio, cosine = _audio_student(recipe, teacher, filled, bank, validation, out)
    say(f"audio student: mean cosine to the teacher {cosine:.3f} on {len(held_out)} clips")
    calibration = _calibrate(validation, audio, text)
    meta = StudentMeta(
        name=recipe.name,
        frontend=preset(recipe.frontend),
        windows=recipe.windows,
        audio=audio.config,
        text=text.student.config,
        labels=labels,
        template=teacher.template,
        calibration=calibration,
        provenance=provenance(recipe, teacher, sources, {"cosine": cosine, "text": text.cosine}),
    )
    student = Student(meta)
    student.audio.load_state_dict(audio.state_dict())
    student.text.load_state_dict(text.student.state_dict())
    weights = {name: value.contiguous() for name, value in student.state_dict().items()}
    windows = validation.windows(_CALIBRATION_WINDOWS)
    try:
        save_student(out, meta, weights, text.tokenizer.to_str(), windows)
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{out}: cannot be written ({error}); make room, and go on with --resume"
        ) from None
    return Outcome(meta, len(train.skipped) + len(held_out.skipped))


def _audio_student(
    recipe: Recipe,
    teacher: AudioTextTeacher,
    filled: Filled,
    bank: NDArray[np.float32],
    validation: Validation,
    out: Path,
) -> tuple[AudioStudent, float]:
    views, lessons = filled.views, filled.lessons
    student = first_student(recipe, teacher, views, lessons)
    curriculum = Curriculum(views, lessons, bank, validation, recipe.objectives)
    trainer = Trainer(student.encoder, curriculum, recipe.train, recipe.seed)
    with bar("training audio student") as progress:

        def report(step: int, loss: float, cosine: float) -> None:
            note = f"loss {loss:.3f}" + (f" cosine {cosine:.3f}" if cosine == cosine else "")
            progress(step, recipe.train.steps, note)

        student.encoder = trainer.fit(out / STATE, report)
    write_history(out, trainer.course.history)
    return student, trainer.course.cosine


def _calibrate(
    validation: Validation, audio: AudioStudent, text: DistilledText
) -> Calibration | None:
    """Fit the scores on the validation clips' own labels, where they have any."""
    clips = validation.recordings.clips
    labels = sorted({label for clip in clips for label in clip.labels})
    if not labels:
        return None
    sounds = validation.embeddings(audio.encoder)
    with torch.inference_mode():
        encoded = [text.tokenizer.encode(label).ids or [0] for label in labels]
        rows = [text.student(torch.tensor([x]), torch.ones(1, len(x))) for x in encoded]
    cosines = sounds @ torch.cat(rows).numpy().T
    applies = np.array([[label in clip.labels for label in labels] for clip in clips])
    labelled = applies.any(axis=1)
    return fit_calibration(cosines[labelled].ravel(), applies[labelled].ravel())


def _labels(recipe: Recipe, teacher: AudioTextTeacher, train: Recordings) -> list[str]:
    if recipe.labels == "teacher":
        return teacher.labels
    labels = _heard(train)
    if not labels:
        raise ConfigError("labels is data, and no training clip has a label; use labels: teacher")
    return labels


def _heard(train: Recordings) -> list[str]:
    return sorted({label for clip in train.clips for label in clip.labels})


def _bank(recipe: Recipe, teacher: AudioTextTeacher, train: Recordings) -> NDArray[np.float32]:
    """The teacher's embeddings of its labels, or of the data's where it has none, (labels, dim)."""
    labels = teacher.labels or _heard(train)
    if recipe.objectives.labels and not labels:
        raise ConfigError(
            f"objectives: neither teacher {teacher.name} nor the data has labels; set labels to 0"
        )
    return teacher.embed_text([teacher.template.format(label) for label in labels])
