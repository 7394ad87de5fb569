"""The tone bundle with a background, and recordings to learn from."""

from pathlib import Path

import msgspec
import numpy as np
import soundfile

from tests.fakes import DIM, RATE, TONES, WORDS, fill, make_bundle, tone
from tinyalm.background import write_background
from tinyalm.bundle import read_bundle, write_bundle
from tinyalm.results import unit_length

WARBLE = ("hum", "chirp")  # two tones at once: what the bundle has no word for


def make_learner(path: Path) -> Path:
    """Write the tone bundle with a background of single tones and random mixes."""
    manifest = read_bundle(make_bundle(path))
    draw = np.random.default_rng(0)
    mixes = np.abs(draw.normal(size=(300, DIM))) ** 2
    tones = np.repeat(np.eye(DIM), 20, axis=0) + 0.05 * np.abs(draw.normal(size=(20 * DIM, DIM)))
    rows = unit_length(np.concatenate([mixes, tones]).astype(np.float32))

    def fill_all(folder: Path) -> None:
        fill(folder)
        write_background(folder, rows)

    write_bundle(path, msgspec.structs.replace(manifest, background="background.npy"), fill_all)
    return path


def warble(seed: int, words: tuple[str, ...] = WARBLE, seconds: float = 2.0) -> np.ndarray:
    """Tones at once in random levels, with some noise, (samples,) float32."""
    draw = np.random.default_rng(seed)
    levels = draw.uniform(0.7, 1.0, len(words))
    parts = [
        level * tone(TONES[WORDS.index(word)], seconds)
        for level, word in zip(levels, words, strict=True)
    ]
    noise = draw.normal(0, 0.01, round(seconds * RATE))
    return (np.sum(parts, axis=0) / len(words) + noise).astype(np.float32)


def write_warbles(folder: Path, count: int = 6, words: tuple[str, ...] = WARBLE) -> Path:
    """A folder of ``count`` recordings of it."""
    folder.mkdir(parents=True)
    for number in range(count):
        soundfile.write(folder / f"{number}.wav", warble(number, words), RATE)
    return folder
