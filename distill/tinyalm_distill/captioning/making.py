"""`tinyalm distill caption`: from a recipe to the checkpoint of a captioner."""

import os
from collections.abc import Callable
from pathlib import Path

import torch

import tinyalm
from tinyalm.cache import cache_dir
from tinyalm.models.captioner_checkpoint import CaptionerMeta, save_captioner
from tinyalm_distill.captioning.lessons import prepare
from tinyalm_distill.captioning.recipe import CaptionRecipe
from tinyalm_distill.captioning.training import CaptionTrainer
from tinyalm_distill.progress import bar
from tinyalm_distill.run_folder import STATE
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.training_state import write_history


def make_captioner(
    recipe: CaptionRecipe, teacher: AudioTextTeacher, out: Path, *, say: Callable[[str], None]
) -> CaptionerMeta:
    """Train a captioner as ``recipe`` says and leave its checkpoint in ``out``.

    Args:
        recipe: what to do.
        teacher: the one that ``recipe`` names, opened.
        out: the checkpoint's folder, see `tinyalm_distill.run_folder.claim`; an interrupted
            run is gone on with.
        say: told, line by line, what goes on.

    Raises:
        TinyalmError: captions that cannot be read, a state in ``out`` of another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(recipe.train.threads or os.cpu_count() or 1)
    lessons = prepare(recipe, teacher, cache_dir() / "distill")
    say(f"{len(lessons.train)} sentences, {lessons.tokenizer.get_vocab_size()} tokens")
    trainer = CaptionTrainer(recipe, lessons, teacher)
    with bar("training captioner") as progress:
        captioner = trainer.fit(out / STATE, progress)
    write_history(out, trainer.course.history)
    meta = CaptionerMeta(
        name=recipe.name,
        teacher=f"{teacher.name} {teacher.revision}",
        config=captioner.config,
        metrics={"held_out_cosine": trainer.course.cosine},
        licences=lessons.licences,
        created_by=f"tinyalm {tinyalm.__version__}",
    )
    examples = torch.from_numpy(lessons.embeddings[lessons.held_out])
    save_captioner(out, meta, captioner, lessons.tokenizer, examples)
    return meta
