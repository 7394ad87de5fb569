"""What each part of a distillation brings, on one budget.

    python benchmarks/ablations.py DATA/corpus/manifest.csv --out DIR [--seeds 3] [--steps 200]

Every way changes one thing in `distill/recipes/micro.yaml` and trains as many steps of 64 windows.
A trained student is heard on the dev split; its zero-shot figures are by the teacher's own text
side, so that only the audio side differs. Figures of each run are kept in DIR, and the same command
goes on after an interrupt. Prints a Markdown table: means over seeds, and the 95 % interval of the
difference to the recipe, by the bootstrap over clips.
"""

import argparse
import copy
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.cache import cache_dir
from tinyalm.engine import engine
from tinyalm.frontend import log_mel, preset
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.counting import cost
from tinyalm_distill.cpu import prepare_cpu
from tinyalm_distill.evaluation.bootstrap import bootstrap
from tinyalm_distill.evaluation.classification import figures, labels_of, relevance
from tinyalm_distill.evaluation.metrics import mean
from tinyalm_distill.filling import Filled, fill_cache
from tinyalm_distill.recipe import Recipe
from tinyalm_distill.recipe_file import read_recipe
from tinyalm_distill.start import first_student
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher
from tinyalm_distill.trainer import Curriculum, Trainer
from tinyalm_distill.validation import Validation
from tinyalm_export.equalization import equalize
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.quantize import quantize_encoder

RECIPE = Path(__file__).parents[1] / "distill/recipes/micro.yaml"
BUDGET = ["train.batch_size=64", "train.warmup=20", "text.phrases=100", "text.epochs=1"]
WAYS: dict[str, list[str]] = {
    "the recipe": [],
    "embedding alone": ["objectives.features=0", "objectives.classes=0"],
    "without features": ["objectives.features=0"],
    "without classes": ["objectives.classes=0"],
    "with relations": ["objectives.relations=1"],
    "with label probabilities": ["objectives.labels=1"],
    "with a queue of 16,384": ["objectives.contrast=0.2"],
    "from random weights (`mn`)": ["audio.body={family: mobile, width: 1.0}"],
    "plain views alone": ["views.views=1"],
    "two views": ["views.views=2"],
    "AdamW": ["train.optimizer=adamw"],
    "clusters of 64": ["train.clusters=64"],
    "the last quarter in int8": ["train.int8_steps=QUARTER"],
}
_CALIBRATION, _CHECKED = 100, 200  # windows


class Ran(Struct, frozen=True):
    """What became of one run.

    Attributes:
        cosines: to the teacher, of every clip.
        kept: of the teacher's zero-shot figures.
        int8: mean and lowest cosine of the int8 graph to float.
        macs: multiplications a window of 0.975 s.
    """

    cosines: list[float]
    kept: dict[str, float]
    int8: tuple[float, float]
    macs: int


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    given = parser.parse_args()
    prepare_cpu()
    teacher = open_teacher("yamnet-minilm")
    given.out.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seeds):  # so that an unfinished table has all ways
        starts: dict[bytes, AudioEncoder] = {}
        for way, changes in WAYS.items():
            file = given.out / f"{list(WAYS).index(way):02d}-{seed}.json"
            if file.is_file():
                continue
            common = [f"data.manifests=[{given.manifest}]", f"seed={seed}"]
            common += [f"train.steps={given.steps}", f"train.validate_every={given.steps}"]
            own = [change.replace("QUARTER", str(given.steps // 4)) for change in changes]
            recipe = read_recipe(RECIPE, [*common, *BUDGET, *own])
            file.write_bytes(msgspec.json.encode(run(recipe, teacher, starts, file)))
    print(table(given.out, given.seeds))


def run(
    recipe: Recipe, teacher: AudioTextTeacher, starts: dict[bytes, AudioEncoder], file: Path
) -> Ran:
    """Train and measure; ``starts`` keeps first students by their shape."""
    filled, _ = fill_cache(recipe, teacher, cache_dir() / "distill", say=print)
    shape = msgspec.json.encode((recipe.audio, recipe.views.views))
    if shape not in starts:
        starts[shape] = first_student(recipe, teacher, filled.views, filled.lessons).encoder
    student = copy.deepcopy(starts[shape])
    validation = Validation(
        filled.held_out, recipe.windows, preset(recipe.frontend), filled.targets
    )
    bank = teacher.embed_text(teacher.labels)
    curriculum = Curriculum(filled.views, filled.lessons, bank, validation, recipe.objectives)
    trainer = Trainer(student, curriculum, recipe.train, recipe.seed)
    state = file.with_suffix(".state")
    trained = trainer.fit(state, lambda *_: None)
    heard = validation.embeddings(trained)
    kept = zero_shot_kept(filled, teacher, heard)
    ran = Ran(
        (heard * filled.targets).sum(axis=1).tolist(),
        kept,
        int8_cosines(trained, validation, recipe.frontend),
        cost(trained, torch.zeros(1, 96, 64)).macs,
    )
    state.unlink()
    print(f"{file.name}: cosine {np.mean(ran.cosines):.4f}, kept {kept}, int8 {ran.int8}")
    return ran


def zero_shot_kept(
    filled: Filled, teacher: AudioTextTeacher, heard: NDArray[np.float32]
) -> dict[str, float]:
    """Share of the teacher's own figures that ``heard``, (clips, dim), reaches."""
    clips = filled.held_out.clips
    rows = [number for number, clip in enumerate(clips) if clip.labels]
    labels = labels_of(clips)
    relevant = relevance([clips[number] for number in rows], labels)
    texts, once = teacher.embed_text(labels), np.ones((1, len(rows)))
    found, best = (
        {name: float(of(once)[0]) for name, of in figures(one[rows] @ texts.T, relevant).items()}
        for one in (heard, filled.targets)
    )
    return {name: found[name] / best[name] for name in best}


def int8_cosines(
    encoder: AudioEncoder, validation: Validation, front_end: str
) -> tuple[float, float]:
    """Mean and lowest cosine of the int8 graph to float, on windows that calibrated nothing."""
    spec = preset(front_end)
    windows = validation.windows(_CALIBRATION + _CHECKED)
    mels = [log_mel(window, spec).astype(np.float32) for window in windows]
    calibration, checked = mels[::3], [m for n, m in enumerate(mels) if n % 3]
    exact = encoder_graph(encoder, spec.n_mels)
    even = encoder_graph(equalize(encoder, calibration), spec.n_mels)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, model in (("exact", exact), ("int8", quantize_encoder(even, calibration))):
            path = Path(folder) / name
            path.write_bytes(model.SerializeToString())
            graph = engine("onnxruntime").open(path, threads=1)
            rows.append(
                np.concatenate([graph.run({"log_mel": mel[None]})["embedding"] for mel in checked])
            )
    cosines = (rows[0] * rows[1]).sum(axis=1)
    return float(cosines.mean()), float(cosines.min())


def table(folder: Path, seeds: int) -> str:
    """Markdown, a row a way."""
    head = "| way | MMAC | cosine | difference | top-5 kept | mAP kept | int8 cosine, lowest |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    base: NDArray[np.float64] | None = None
    for number, way in enumerate(WAYS):
        files = [folder / f"{number:02d}-{seed}.json" for seed in range(seeds)]
        runs = [msgspec.json.decode(f.read_bytes(), type=Ran) for f in files if f.is_file()]
        if not runs:
            continue
        cosines = np.array([one.cosines for one in runs])
        means, clips = cosines.mean(axis=1), cosines.mean(axis=0)
        base = clips if base is None else base
        draws = bootstrap(mean(clips - base), len(clips))
        kept = {
            name: f"{np.mean([one.kept[name] for one in runs]):.2f}" for name in ("top-5", "mAP")
        }
        int8 = np.mean([one.int8 for one in runs], axis=0)
        lines.append(
            f"| {way} | {runs[0].macs / 1e6:.1f} | {means.mean():.4f} "
            f"({means.min():.4f} to {means.max():.4f}) | "
            f"{'' if number == 0 else draws.interval()} | {kept['top-5']} | {kept['mAP']} | "
            f"{int8[0]:.4f}, {int8[1]:.3f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
