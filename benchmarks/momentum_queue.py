"""Is a momentum queue at batch 64 as good as plain InfoNCE at batch 1024, and how much smaller?

    python benchmarks/momentum_queue.py retrieval DATA/corpus/manifest.csv [--features FILE.npz]
    python benchmarks/momentum_queue.py memory

The first trains two towers on pairs of window and label: one hears the log-odds of YAMNet's classes
in a window of a clip, the other reads MiniLM's embedding of the clip's label. All ways but one see
as many pairs. Learning rates are chosen for each way on training labels held out; then R@1 and
R@10, means of both directions, of the dev split by seeds. Pairs of one label are nobody's
negatives. The second measures, each in its own process, what training the default audio student
adds to the memory in use. Both print Markdown tables.
"""

import argparse
import copy
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinyalm.audio import read
from tinyalm.errors import AudioError
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.shapes import AudioStudentConfig
from tinyalm_distill.evaluation.metrics import ranks, recall_at
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.momentum_queue import MomentumQueue, follow
from tinyalm_distill.objectives import contrast, info_nce, teacher_weights
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import WINDOWS
from tinyalm_distill.teachers import open_teacher

TEMPERATURE = 0.07
MOMENTUM = 0.99
DIM = 128
RATES = (5e-4, 1.5e-3, 5e-3)


@dataclass(frozen=True)
class Way:
    """One way to train."""

    name: str
    batch: int
    queue: int = 0  # keys in it; 0 is plain InfoNCE
    longer: int = 1  # times as many pairs as the others see
    prior: float = 0.0  # share of negatives that are positive, for debiasing
    limit: float = 1.0  # the teacher's cosine beyond which negatives count less


WAYS = (
    Way("plain InfoNCE", 1024),
    Way("plain InfoNCE, four times the pairs", 1024, longer=4),
    Way("plain InfoNCE", 64),
    Way("queue", 64, queue=4096),
    Way("queue, debiased", 64, queue=4096, prior=0.002),
    Way("queue, teacher's weights", 64, queue=4096, limit=0.5),
)
REAL = (
    Way("plain InfoNCE", 1024),
    Way("plain InfoNCE", 64),
    Way("queue", 64, queue=32768),
    Way("queue, teacher's weights", 64, queue=32768, limit=0.5),
)


@dataclass(frozen=True)
class Pairs:
    """Windows with their labels: ``audio`` (rows, 521), ``text`` (rows, 384), label numbers."""

    audio: Tensor
    text: Tensor
    labels: Tensor

    def chosen(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Pairs":
        """Some of them."""
        index = torch.from_numpy(rows)
        return Pairs(self.audio[index], self.text[index], self.labels[index])


class Step:
    """Towers, optimizer and queue of one training, and what a step does."""

    def __init__(self, way: Way, audio: nn.Module, text: nn.Module, dim: int, rate: float) -> None:
        """Begin; ``dim`` is what both towers give."""
        self.way = way
        self.towers = nn.ModuleDict({"audio": audio, "text": text})
        self.optimizer = torch.optim.AdamW(self.towers.parameters(), rate, weight_decay=0.05)
        self.steps = 0
        if way.queue:
            self.slow = copy.deepcopy(self.towers).eval().requires_grad_(requires_grad=False)
            dims = {"audio": dim, "text": dim, "teacher": 384}
            self.queue = MomentumQueue(way.queue, dims)

    def __call__(self, batch: Pairs) -> None:
        """Learn from one batch."""
        audio = F.normalize(self.towers["audio"](batch.audio), dim=1)
        text = F.normalize(self.towers["text"](batch.text), dim=1)
        same = batch.labels[:, None] == batch.labels
        loss = info_nce(audio, text, temperature=TEMPERATURE, positives=same)
        if self.way.queue:
            loss = loss + self._contrast({"audio": audio, "text": text}, batch)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.steps += 1
        if self.way.queue:
            follow(self.slow, self.towers, min(MOMENTUM, (1 + self.steps) / (10 + self.steps)))

    def _contrast(self, queries: dict[str, Tensor], batch: Pairs) -> Tensor:
        """Against the queue, each with its own key from the slow towers, as all others are."""
        with torch.no_grad():
            keys = {
                "audio": F.normalize(self.slow["audio"](batch.audio), dim=1),
                "text": F.normalize(self.slow["text"](batch.text), dim=1),
            }
        self.queue.enqueue({**keys, "teacher": batch.text}, batch.labels)
        weights = self.queue.others(batch.labels)
        if self.way.limit < 1:
            known = batch.text @ self.queue.keys("teacher").T
            weights = weights * teacher_weights(known, limit=self.way.limit)
        losses = [
            contrast(
                (queries[query] * keys[key]).sum(dim=1),
                queries[query] @ self.queue.keys(key).T,
                temperature=TEMPERATURE,
                weights=weights,
                prior=self.way.prior,
            )
            for query, key in (("audio", "text"), ("text", "audio"))
        ]
        return torch.stack(losses).mean()


def tower(inputs: int, hidden: int) -> nn.Sequential:
    """A head over frozen features, (batch, inputs) to (batch, DIM)."""
    return nn.Sequential(
        nn.Dropout(0.3), nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, DIM)
    )


def trained(way: Way, pairs: Pairs, epochs: int, rate: float, seed: int) -> Step:
    """Both towers after ``epochs``, with half a cosine of learning rate after a short warm-up."""
    torch.manual_seed(seed)
    step = Step(way, tower(521, 256), tower(384, 256), DIM, rate)
    total = epochs * way.longer * len(pairs.labels)
    seen = 0
    while seen < total:
        order = np.random.default_rng([seed, seen]).permutation(len(pairs.labels))
        for start in range(0, len(order), way.batch):
            rows = order[start : start + way.batch]
            share = seen / total
            for group in step.optimizer.param_groups:
                group["lr"] = rate * min(1, share * 20 + 0.05) * (1 + np.cos(np.pi * share)) / 2
            step(pairs.chosen(rows))
            seen += len(rows)
    return step


@torch.no_grad()
def recalls(step: Step, pairs: Pairs) -> NDArray[np.float64]:
    """R@1 and R@10 between windows and distinct labels, means of both directions, in percent."""
    step.towers.eval()
    labels, first = np.unique(pairs.labels.numpy(), return_index=True)
    audio = F.normalize(step.towers["audio"](pairs.audio), dim=1)
    text = F.normalize(step.towers["text"](pairs.text[torch.from_numpy(first)]), dim=1)
    near = (audio @ text.T).numpy()
    relevant = pairs.labels.numpy()[:, None] == labels
    found = [ranks(near, relevant), ranks(near.T, relevant.T)]
    return np.array([100 * np.mean([recall_at(f, k).mean() for f in found]) for k in (1, 10)])


def print_retrieval(train: Pairs, dev: Pairs, epochs: int, seeds: int) -> None:
    """Choose learning rates, train every way by seeds, and print the table."""
    labels = np.unique(train.labels.numpy())
    held = np.random.default_rng(0).permutation(labels)[: len(labels) // 8]
    measured = np.isin(train.labels.numpy(), held)
    learned, validation = train.chosen(~measured), train.chosen(measured)
    print(
        f"{len(train.labels)} windows to learn from, {len(dev.labels)} dev windows with "
        f"{len(np.unique(dev.labels))} labels, {epochs} epochs, {seeds} seeds\n\n"
        "| way | batch | steps | rate | R@1 | R@10 | CPU s |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    with bar("ways") as show:
        for number, way in enumerate(WAYS):
            best = [recalls(trained(way, learned, epochs, r, 0), validation)[1] for r in RATES]
            rate = RATES[int(np.argmax(best))]
            began = time.process_time()
            runs = [recalls(trained(way, train, epochs, rate, seed), dev) for seed in range(seeds)]
            seconds = (time.process_time() - began) / seeds
            figures = [
                f"{mean:.1f} ± {spread:.1f}"
                for mean, spread in zip(np.mean(runs, 0), np.std(runs, 0, ddof=1), strict=True)
            ]
            steps = epochs * way.longer * -(-len(train.labels) // way.batch)
            cells = [way.name, way.batch, steps, f"{rate:g}", *figures, f"{seconds:.0f}"]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
            show(number + 1, len(WAYS))


def hear(manifest: str) -> dict[str, NDArray[Any]]:
    """Class probabilities of windows of labelled clips, and embeddings of the labels, by split."""
    teacher = open_teacher("yamnet-minilm", threads=1)
    arrays: dict[str, NDArray[Any]] = {}
    for split in ("train", "dev"):
        clips = [clip for clip in read_clips(manifest, split) if clip.labels]
        rows, labels = [], []
        with bar(f"hearing {split}") as show:
            for number, clip in enumerate(clips):
                show(number + 1, len(clips))
                try:
                    waveform = read(clip.file, 16000, start_s=clip.start_s, end_s=clip.end_s)
                except AudioError:
                    continue
                for _, _, samples in WINDOWS.cut([waveform], 16000):
                    rows.append(teacher.class_probabilities(samples))
                    labels.append(clip.labels[0])
        distinct, numbers = np.unique(labels, return_inverse=True)
        arrays[f"{split} audio"] = np.stack(rows)
        arrays[f"{split} text"] = teacher.embed_text(distinct.tolist())[numbers]
        arrays[f"{split} labels"] = numbers
    return arrays


def pairs_of(arrays: dict[str, NDArray[Any]], split: str) -> Pairs:
    """The windows of a split: log-odds of classes, in units of their spread over `train`."""
    odds = {name: _log_odds(arrays[f"{name} audio"]) for name in ("train", split)}
    audio = (odds[split] - odds["train"].mean(axis=0)) / odds["train"].std(axis=0)
    return Pairs(
        torch.from_numpy(audio.astype(np.float32)),
        torch.from_numpy(arrays[f"{split} text"]),
        torch.from_numpy(arrays[f"{split} labels"]).long(),
    )


def _log_odds(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    odds = (probabilities + 1e-5) / (1 - probabilities + 1e-5)
    return np.asarray(np.log(odds), np.float32)


def step_memory(way: Way) -> float:
    """MiB that training the real audio student, at its peak, adds to what the process holds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    torch.manual_seed(0)
    student = AudioEncoder(AudioStudentConfig(embedding_dim=384))
    step = Step(way, student, nn.Linear(384, 384), 384, 1e-3)
    if way.queue:  # full, as it is after the first minutes
        step.queue.clips.zero_()
        step.queue.added.fill_(way.queue)
    labels = torch.arange(1, way.batch + 1)
    text = F.normalize(torch.randn(way.batch, 384), dim=1)
    for _ in range(2):  # AdamW has its state from the first on
        step(Pairs(torch.randn(way.batch, 192, 64), text, labels))  # log-mels of 1.92 s
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def print_memory() -> None:
    """Measure every way in its own process, and print the table."""
    print("| way | batch | queue | MiB |\n|---|--:|--:|--:|")
    for number, way in enumerate(REAL):
        command = [sys.executable, __file__, "step", str(number)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(
            f"| {way.name} | {way.batch} | {way.queue or ''} | {done.stdout.strip()} |", flush=True
        )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    retrieval = commands.add_parser("retrieval")
    retrieval.add_argument("manifest")
    retrieval.add_argument("--features", type=Path, help="kept here between runs")
    retrieval.add_argument("--epochs", type=int, default=6)
    retrieval.add_argument("--seeds", type=int, default=3)
    commands.add_parser("memory")
    commands.add_parser("step").add_argument("way", type=int)  # one process of `memory`
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.command == "step":
        print(f"{step_memory(REAL[asked.way]):.0f}")
    elif asked.command == "memory":
        print_memory()
    else:
        if asked.features and asked.features.is_file():
            arrays = dict(np.load(asked.features))
        else:
            arrays = hear(asked.manifest)
            if asked.features:
                np.savez(asked.features, **arrays)
        train, dev = pairs_of(arrays, "train"), pairs_of(arrays, "dev")
        print_retrieval(train, dev, asked.epochs, asked.seeds)


if __name__ == "__main__":
    main()
