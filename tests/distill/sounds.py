"""Folders of real tone recordings for the tests of distillation, and a recipe over them."""

import csv
from pathlib import Path

import soundfile

from tests.fakes import RATE, TONES, WORDS, tone
from tinyalm.models.shapes import MobileConfig
from tinyalm.windows import WindowRule
from tinyalm_distill.recipe import (
    AudioShape,
    DataConfig,
    Recipe,
    TextTraining,
    TrainConfig,
    ViewsConfig,
)

RULE = WindowRule(length_s=0.5, hop_s=0.25, grid_s=0.25, min_s=0.25)


def make_sounds(folder: Path, per_word: int = 3) -> Path:
    """Tones of several lengths and levels with a manifest; gives the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for word, hz in zip(WORDS[:4], TONES[:4], strict=True):
        for number in range(per_word):
            name = f"{word}-{number}.wav"
            soundfile.write(folder / name, tone(hz, 0.3 + 0.4 * number) / (1 + number), RATE)
            rows.append([name, word, "dev" if number == per_word - 1 else "train", "CC0-1.0"])
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "label", "split", "licence"], *rows])
    return manifest


def make_recipe(manifest: Path, *, steps: int = 12, seed: int = 0) -> Recipe:
    """A distillation of seconds."""
    return Recipe(
        name="tiny",
        teacher="tones",
        seed=seed,
        labels="data",
        windows=RULE,
        data=DataConfig(manifests=[str(manifest)]),
        views=ViewsConfig(views=3, hop_s=0.25),
        audio=AudioShape(body=MobileConfig(width=0.25, features=16)),
        text=TextTraining(rank=8, phrases=50, epochs=2, batch_size=16, held_out=0.1),
        train=TrainConfig(steps=steps, batch_size=4, warmup=2, validate_every=4, threads=1),
    )
