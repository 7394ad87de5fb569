"""How YAMNet's class probabilities are best composed into an embedding.

    python benchmarks/teacher_composition.py DATA/corpus/manifest.csv
    python benchmarks/teacher_composition.py --prior DATA/corpus/manifest.csv DATA/more/manifest.csv

The first prints zero-shot figures over the manifest's dev split for each setting of `ConseConfig`,
for both prompts, best mean reciprocal rank first (the table in docs/teachers.md). The second prints
the prior that the teacher ships: the mean probability of each class over the train splits.
"""

import itertools
import json
import sys

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError
from tinyalm_distill.assets import require
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.teachers.conse import ConseConfig, YamNetMiniLM

SETTINGS = [
    ConseConfig(top_k=k, prior_offset=offset, power=power)
    for k, offset, power in itertools.product(
        (1, 3, 5, 8, 12, 20), (0.002, 0.005, 0.01, 0.02, 0.05, 1e6), (0.5, 0.75, 1.0)
    )
]  # an offset of a million leaves the prior without effect
PROMPTS = ("{}", "the sound of {}")


def hear(teacher: YamNetMiniLM, clips: list[Clip]) -> tuple[list[Clip], NDArray[np.float32]]:
    """The usable clips and their class probabilities, (clips, 521)."""
    used, rows = [], []
    for clip in clips:
        try:
            waveform = read(clip.file, teacher.sample_rate, start_s=clip.start_s, end_s=clip.end_s)
        except AudioError as error:
            print(f"skipped {error}", file=sys.stderr)
            continue
        used.append(clip)
        rows.append(teacher.class_probabilities(waveform))
    return used, np.stack(rows)


def print_prior(teacher: YamNetMiniLM, manifests: list[str]) -> None:
    """Print the mean probabilities over the train splits as JSON."""
    clips = [clip for name in manifests for clip in read_clips(name, "train")]
    _, heard = hear(teacher, clips)
    print(json.dumps([float(f"{value:.3g}") for value in heard.mean(axis=0)]))


def print_table(teacher: YamNetMiniLM, manifest: str) -> None:
    """Print the figures of every setting over the dev split."""
    clips, heard = hear(teacher, [c for c in read_clips(manifest, "dev") if c.labels])
    labels = sorted({label for clip in clips for label in clip.labels})
    relevant = np.array([[label in clip.labels for label in labels] for clip in clips])
    print(f"{len(clips)} clips, {len(labels)} labels")
    rows = []
    for prompt in PROMPTS:
        texts = teacher.embed_text([prompt.format(label) for label in labels])
        for config in SETTINGS:
            similarity = teacher.compose(heard, config) @ texts.T
            best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True)
            rank = ((similarity >= best) & ~relevant).sum(axis=1) + 1
            figures = ((1 / rank).mean(), (rank == 1).mean(), (rank <= 5).mean())
            rows.append((*figures, config, prompt))
    print("| MRR | top-1 | top-5 | top_k | prior_offset | power | prompt |\n|--|--|--|--|--|--|--|")
    for mrr, one, five, config, prompt in sorted(rows, key=lambda row: -row[0]):
        setting = f"{config.top_k} | {config.prior_offset:g} | {config.power:g} | {prompt}"
        print(f"| {mrr:.4f} | {one:.3f} | {five:.3f} | {setting} |")


if __name__ == "__main__":
    loaded = YamNetMiniLM(require("yamnet-minilm"))
    if sys.argv[1] == "--prior":
        print_prior(loaded, sys.argv[2:])
    else:
        print_table(loaded, sys.argv[1])
