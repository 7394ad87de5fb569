"""`tinyalm distill run`: from a recipe to a checkpoint."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct

import tinyalm
from tinyalm.bundle import Calibration, DataSource, Provenance
from tinyalm.cache import cache_dir
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import preset
from tinyalm.models.audio import AudioStudent
from tinyalm.models.checkpoint import META, Student, StudentMeta, save_student
from tinyalm_distill.calibration import fit_calibration
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import Recipe
from tinyalm_distill.recordings import Recordings, decode
from tinyalm_distill.splits import split_clips
from tinyalm_distill.start import first_student
from tinyalm_distill.teacher_cache import teach_views
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.text_training import DistilledText, distil_text
from tinyalm_distill.trainer import Curriculum, Trainer
from tinyalm_distill.training_state import write_history
from tinyalm_distill.validation import Validation, embed_clips
from tinyalm_distill.views import Views, cut_windows

RECIPE, STATE = "recipe.json", "training.safetensors"
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
        TinyalmError: nothing to learn from, a state in ``out`` that is another run's.
    """
    _check_rates(recipe, teacher)
    torch.set_num_threads(recipe.train.threads or os.cpu_count() or 1)
    cache = cache_dir() / "distill"
    clips = [clip for name in recipe.data.manifests for clip in read_clips(name)]
    train, held_out = _decoded(split_clips(clips, recipe.data), teacher.sample_rate, cache, say)
    text = _text_student(recipe, teacher, train, cache)
    say(f"text student: mean cosine to the teacher {text.cosine:.3f} on held-out phrases")
    validation = Validation(
        held_out, recipe.windows, preset(recipe.frontend), embed_clips(teacher, held_out)
    )
    audio, cosine = _audio_student(recipe, teacher, train, validation, cache, out)
    say(f"audio student: mean cosine to the teacher {cosine:.3f} on {len(held_out)} clips")
    calibration = _calibrate(validation, audio, text)
    meta = StudentMeta(
        name=recipe.name,
        frontend=preset(recipe.frontend),
        windows=recipe.windows,
        audio=audio.config,
        text=text.student.config,
        labels=_labels(recipe, teacher, train),
        template=teacher.template,
        calibration=calibration,
        provenance=_provenance(recipe, teacher, train, {"cosine": cosine, "text": text.cosine}),
    )
    student = Student(meta)
    student.audio.load_state_dict(audio.state_dict())
    student.text.load_state_dict(text.student.state_dict())
    weights = {name: value.contiguous() for name, value in student.state_dict().items()}
    windows = validation.windows(_CALIBRATION_WINDOWS)
    save_student(out, meta, weights, text.tokenizer.to_str(), windows)
    return Outcome(meta, len(train.skipped) + len(held_out.skipped))


def claim(out: Path, recipe: Recipe, *, resume: bool) -> None:
    """Make ``out`` the folder of this run, and write down there what it does.

    Raises:
        ConfigError: it holds something else, or an unfinished run that ``resume`` does not ask for.
    """
    if (out / META).is_file():
        raise ConfigError(f"{out}: holds a finished checkpoint; choose another --out")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not resume:
        begun = (out / RECIPE).is_file()
        remedy = "add --resume to go on with it, or choose" if begun else "choose"
        raise ConfigError(f"{out}: is not empty; {remedy} another --out")
    out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(recipe), indent=2)
    (out / RECIPE).write_bytes(encoded + b"\n")


def _decoded(
    split: tuple[list[Clip], list[Clip]], rate: int, cache: Path, say: Say
) -> tuple[Recordings, Recordings]:
    results = []
    for label, clips in zip(("decoding recordings", "decoding validation"), split, strict=True):
        with bar(label) as progress:
            recordings = decode(clips, rate, cache, progress=progress)
        for _, reason in recordings.skipped:
            say(f"skipped {reason}")
        results.append(recordings)
    skipped = sum(len(recordings.skipped) for recordings in results)
    if skipped:
        say(f"{skipped} of {sum(map(len, split))} clips skipped")
    return results[0], results[1]


def _check_rates(recipe: Recipe, teacher: AudioTextTeacher) -> None:
    rate = preset(recipe.frontend).sample_rate
    if rate != teacher.sample_rate:
        raise ConfigError(
            f"frontend {recipe.frontend} hears {rate} Hz and teacher {teacher.name} "
            f"{teacher.sample_rate} Hz; choose a front end of the teacher's rate"
        )


def _text_student(
    recipe: Recipe, teacher: AudioTextTeacher, train: Recordings, cache: Path
) -> DistilledText:
    known = list(teacher.labels)
    known += [text for clip in train.clips for text in (*clip.labels, *clip.captions)]
    for name in recipe.data.texts:
        try:
            known += Path(name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{name}: cannot be read as text ({error})") from None
    known = list(dict.fromkeys(text for text in known if text.strip()))
    return distil_text(teacher, known, recipe.text, cache, seed=recipe.seed)


def _audio_student(
    recipe: Recipe,
    teacher: AudioTextTeacher,
    train: Recordings,
    validation: Validation,
    cache: Path,
    out: Path,
) -> tuple[AudioStudent, float]:
    spec = preset(recipe.frontend)
    rule = msgspec.structs.replace(
        recipe.windows, hop_s=min(recipe.views.hop_s, recipe.windows.length_s)
    )
    views = Views(train, cut_windows(train, rule), recipe.views, recipe.seed)
    with bar("teacher hears views") as progress:
        lessons = teach_views(teacher, views, spec, cache, progress=progress)
    student = first_student(recipe, teacher, views, lessons)
    bank = teacher.embed_text([teacher.template.format(label) for label in teacher.labels])
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
    labels = sorted({label for clip in train.clips for label in clip.labels})
    if not labels:
        raise ConfigError("labels is data, and no training clip has a label; use labels: teacher")
    return labels


def _provenance(
    recipe: Recipe, teacher: AudioTextTeacher, train: Recordings, metrics: dict[str, float]
) -> Provenance:
    counted: dict[tuple[str, str], int] = {}
    for clip in train.clips:
        key = (clip.source, clip.licence or "not stated")
        counted[key] = counted.get(key, 0) + 1
    plain = msgspec.to_builtins(recipe)
    plain.pop("data")  # paths of one machine mean nothing on another
    return Provenance(
        teacher=f"{teacher.name} {teacher.revision}",
        teacher_licence=teacher.licence,
        data=[DataSource(name=n, clips=c, licence=x) for (n, x), c in sorted(counted.items())],
        recipe=plain,
        metrics=metrics,
        created_by=f"tinyalm {tinyalm.__version__}",
    )
