"""How the gap between sounds and texts is best bridged for captions (docs/captioning.md).

    python benchmarks/caption_bridge.py --manifest corpus/manifest.csv --captions captions.txt

First the gap: cosines between the shipped student's embeddings of the training clips and the
teacher's of their labels. Then small captioners, each trained with another bridge on the shortest
captions, are given the student's embeddings of the dev clips, as they are and projected onto a
bank, and what they say is compared with the clips' labels.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from tinyalm.cache import cache_dir
from tinyalm.captioning.vocabulary import FULL, SHORT, Vocabulary, sentence
from tinyalm.models.captioner_checkpoint import load_captioner
from tinyalm_distill.assets import require
from tinyalm_distill.captioning.lessons import projection
from tinyalm_distill.captioning.making import make_captioner
from tinyalm_distill.captioning.recipe import (
    Bridge,
    CaptionData,
    CaptionRecipe,
    CaptionShape,
    CaptionTraining,
)
from tinyalm_distill.captioning.texts import read_captions
from tinyalm_distill.cpu import prepare_cpu
from tinyalm_distill.evaluation.bootstrap import bootstrap
from tinyalm_distill.evaluation.embedders import BundleEmbedder
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.metrics import mean
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.teacher_cache import teach_texts
from tinyalm_distill.teachers import open_teacher
from tinyalm_distill.teachers.minilm import MiniLM

BRIDGES = {
    "nothing": Bridge(noise=0.0, projected=0.0),
    "noise 0.5": Bridge(noise=0.5, projected=0.0),
    "noise 1.0": Bridge(noise=1.0, projected=0.0),
    "half projected, noise 0.5": Bridge(noise=0.5, projected=0.5),
    "all projected, noise 0.5": Bridge(noise=0.5, projected=1.0),
    "half projected, noise 1.0": Bridge(noise=1.0, projected=0.5),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--captions", required=True, type=Path)
    parser.add_argument("--bundle", type=Path, default=Path("micro"))
    parser.add_argument("--most", type=int, default=16000, help="captions to train on")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--gap", action="store_true", help="measure the gap alone")
    given = parser.parse_args()
    prepare_cpu()
    teacher, judge = open_teacher("yamnet-minilm"), MiniLM(require("yamnet-minilm") / "minilm")
    cache = cache_dir() / "distill"
    embedder = BundleEmbedder(given.bundle)
    clips = read_clips(given.manifest)
    train = [c for c in clips if c.split == "train" and c.labels][::8]
    dev = [c for c in clips if c.split == "dev" and c.labels]
    sounds = hear(embedder, [Whole(clip) for clip in train], "training clips")
    texts = teach_texts(teacher, [train[n].labels[0] for n in sounds.used], cache)
    cosines = (sounds.rows * texts).sum(axis=1)
    bank = teach_texts(teacher, teacher.labels, cache)
    near = projection(texts, bank, 0.07)
    print(
        f"gap over {len(cosines)} clips: cosine of sound and label {cosines.mean():.3f}, "
        f"mean shift {np.linalg.norm(sounds.rows.mean(0) - texts.mean(0)):.3f}, "
        f"sound and projected label {(sounds.rows * near).sum(axis=1).mean():.3f}, "
        f"label and projected label {(texts * near).sum(axis=1).mean():.3f}"
    )
    heard = hear(embedder, [Whole(clip) for clip in dev], "dev clips")
    labels = judge.encode([dev[n].labels[0] for n in heard.used])

    def report(name: str, said: list[str]) -> None:
        alike = (judge.encode(said) * labels).sum(axis=1).astype(np.float64)
        found = bootstrap(mean(alike), len(alike)).interval()
        print(f"| {name} | {found} | {said[0]} |", flush=True)

    names = [label.split(",")[0].lower() for label in teacher.labels]
    best = np.argsort(-(heard.rows @ bank.T), axis=1)
    report("label template", [f"the sound of {names[a]} and {names[b]}" for a, b in best[:, :2]])
    report("best label alone", [names[a] for a in best[:, 0]])
    captions = sorted(read_captions(given.captions), key=len)[: given.most]
    if given.gap:
        return
    rows = teach_texts(teacher, captions, cache)
    report("nearest caption", [captions[n] for n in (heard.rows @ rows.T).argmax(axis=1)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "captions.txt").write_text("\n".join(captions), encoding="utf-8")
        for bridge_name, bridge in BRIDGES.items():
            recipe = CaptionRecipe(
                name="ablation",
                data=CaptionData(texts=[str(folder / "captions.txt")]),
                shape=CaptionShape(max_tokens=22),
                bridge=bridge,
                train=CaptionTraining(epochs=given.epochs, validate_every=10**6),
            )
            out = folder / bridge_name.replace(" ", "-")
            meta = make_captioner(recipe, teacher, out, say=lambda _: None)
            captioner = load_captioner(out).captioner
            words = Vocabulary(out / "tokenizer.json", captioner.config.vocabulary)
            held = f"held out {meta.metrics['held_out_cosine']:.3f}"
            for style, start in (("full", FULL), ("short", SHORT)):
                for how, inputs in (
                    ("as heard", heard.rows),
                    ("projected onto classes", projection(heard.rows, bank, 0.07)),
                    ("projected onto captions", projection(heard.rows, rows, 0.03)),
                ):
                    ids = captioner.greedy(torch.from_numpy(inputs), start)
                    report(
                        f"{bridge_name} ({held}), {style}, {how}",
                        [sentence(words.words(one)) or "nothing" for one in ids],
                    )


if __name__ == "__main__":
    main()
