"""Fine-tuning: the whole audio tower and a linear head, trained on labels."""

import copy
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn

from tinyalm.cache import cache_dir
from tinyalm.errors import ConfigError
from tinyalm.models.checkpoint import META, WEIGHTS, Student, load_student
from tinyalm_distill.evaluation.classification import labelled, labels_of, relevance
from tinyalm_distill.evaluation.folds import make_folds
from tinyalm_distill.evaluation.logistic import classification_loss
from tinyalm_distill.evaluation.probe import out_of_fold
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import Bar, bar
from tinyalm_distill.recordings import Recordings, decode

_AT_ONCE = 64  # windows of a long recording


class FineTuning(Struct, frozen=True, kw_only=True):
    """How a tower is fine-tuned.

    Attributes:
        epochs: passes over all windows of the training clips.
        batch_size: windows a step, all of one length.
        learning_rate: of the tower's AdamW, at its peak after a tenth of the steps; it falls to 0
            along a cosine. The head's is ten times as high.
        seed: of the order of windows.

    Raises:
        ConfigError: a value out of range.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 3e-4
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise ConfigError("epochs and batch size must be at least 1, the learning rate above 0")


def fine_tune(
    checkpoint: Path,
    clips: Sequence[Clip],
    *,
    test: str | None = None,
    count: int = 5,
    how: FineTuning | None = None,
) -> Measurement:
    """Fine-tune the checkpoint's audio tower fold by fold, and test it (survey VII.A.3).

    A clip's logits are the mean over its windows. Batch normalisation keeps the statistics of the
    checkpoint. What a fold has come to is kept in the cache: a killed run goes on with the next.

    Args:
        checkpoint: its folder.
        clips: those with labels count.
        test: see `make_folds`.
        count: likewise.
        how: the settings.

    Raises:
        DataError: no clip has a label or none can be used, or the checkpoint is damaged.
        ConfigError: folds that cannot be made.
    """
    how, student, cache = how or FineTuning(), load_student(checkpoint), cache_dir() / "distill"
    given = labelled(clips)
    with bar("decoding") as progress:
        recordings = decode(
            given, student.meta.frontend.sample_rate, cache, progress=lambda n, of: progress(n, of)
        )
    folds, labels = make_folds(recordings.clips, test, count), labels_of(recordings.clips)
    relevant = relevance(recordings.clips, labels)
    windows = _Windows(recordings, student)
    key = [_digest(checkpoint), recordings.name, msgspec.json.encode(how).hex()]
    scores = np.full(relevant.shape, np.nan, np.float32)
    for number, (train, tested) in enumerate(folds):
        name = hashlib.sha256(repr((key, labels, train.tolist())).encode()).hexdigest()[:32]
        file = cache / "fine-tuned" / f"{name}.npy"
        if not file.is_file():
            with bar(f"fold {number + 1} of {len(folds)}") as progress:
                tuned = _train(student, windows, relevant, train, how, progress)
            _keep(file, tuned(windows, tested))
        scores[tested] = np.load(file)
    usable = set(recordings.clips)
    numbers = np.array([number for number, clip in enumerate(given) if clip in usable])
    return out_of_fold(
        "finetune",
        student.meta.name,
        numbers,
        scores,
        relevant,
        folds,
        [reason for _, reason in recordings.skipped],
        settings=how,
    )


class _Windows:
    """The windows of all clips, cut as on the device; only their places are held."""

    def __init__(self, recordings: Recordings, student: Student) -> None:
        rate, self._rule = student.meta.frontend.sample_rate, student.meta.windows
        self._recordings, self._rate = recordings, rate
        self.of_clip = [
            [(start, window.size) for start, _, window in self._cut(clip)]
            for clip in range(len(recordings))
        ]

    def batch(self, places: Sequence[tuple[int, int, int]]) -> Tensor:
        """Windows of one length, by (clip, start, length) in samples, to (windows, samples)."""
        rows = np.zeros((len(places), places[0][2]), np.float32)
        for row, (clip, start, length) in zip(rows, places, strict=True):
            part = self._recordings.waveform(clip)[start : start + length]
            row[: part.size] = part
        return torch.from_numpy(rows)

    def _cut(self, clip: int) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        return self._rule.cut([self._recordings.waveform(clip)], self._rate)


@dataclass(frozen=True, slots=True, eq=False)
class _Tuned:
    """A tower with a head on its embedding."""

    tower: nn.Module
    head: nn.Linear
    trained: NDArray[np.int64]
    labels: int

    def logits(self, waveforms: Tensor) -> Tensor:
        embedding: Tensor = self.tower(waveforms)
        # Of unit length: brought to unit variance, as a layer's inputs are meant to be.
        logits: Tensor = self.head(embedding * embedding.shape[1] ** 0.5)
        return logits

    @torch.inference_mode()
    def __call__(self, windows: _Windows, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Scores, (clips, labels); -infinity for labels that were not trained on."""
        scores = np.full((len(clips), self.labels), -np.inf, np.float32)
        for row, clip in zip(scores, clips.tolist(), strict=True):
            places = [(clip, start, length) for start, length in windows.of_clip[clip]]
            parts = [
                self.logits(windows.batch(places[i : i + _AT_ONCE]))
                for i in range(0, len(places), _AT_ONCE)
            ]
            row[self.trained] = torch.cat(parts).mean(dim=0).numpy()
        return scores


def _train(
    student: Student,
    windows: _Windows,
    relevant: NDArray[np.bool_],
    train: NDArray[np.int64],
    how: FineTuning,
    progress: Bar,
) -> _Tuned:
    trained = np.flatnonzero(relevant[train].any(axis=0))
    several = bool((relevant.sum(axis=1) > 1).any())
    targets = torch.from_numpy(relevant[:, trained].astype(np.float32))
    tower = copy.deepcopy(student.audio).eval()  # batch normalisation as in the checkpoint
    head = nn.Linear(student.meta.audio.embedding_dim, len(trained))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    tuned = _Tuned(tower, head, trained, relevant.shape[1])
    draw = np.random.default_rng(how.seed)
    epochs = [_batches(windows, train, how.batch_size, draw) for _ in range(how.epochs)]
    total = sum(len(batches) for batches in epochs)
    optimizer = torch.optim.AdamW(
        [
            {"params": list(tower.parameters()), "lr": how.learning_rate},
            {"params": list(head.parameters()), "lr": 10 * how.learning_rate},
        ]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=max(total, 2),
        pct_start=0.1,
        cycle_momentum=False,
    )
    for step, places in enumerate(batch for batches in epochs for batch in batches):
        optimizer.zero_grad()
        wanted = targets[[clip for clip, _, _ in places]]
        loss = classification_loss(tuned.logits(windows.batch(places)), wanted, several=several)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        progress(step + 1, total, f"loss {loss.item():.3f}")
    return tuned


def _batches(
    windows: _Windows, train: NDArray[np.int64], size: int, draw: np.random.Generator
) -> list[list[tuple[int, int, int]]]:
    """All windows of the training clips in a random order, in batches of one length each."""
    places = [
        (clip, start, length) for clip in train.tolist() for start, length in windows.of_clip[clip]
    ]
    batches = []
    for wanted in sorted({length for _, _, length in places}):
        same = [place for place in places if place[2] == wanted]
        shuffled = [same[number] for number in draw.permutation(len(same))]
        batches += [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
    return [batches[number] for number in draw.permutation(len(batches))]


def _digest(checkpoint: Path) -> str:
    content = [hashlib.sha256((checkpoint / name).read_bytes()) for name in (META, WEIGHTS)]
    return " ".join(one.hexdigest() for one in content)


def _keep(file: Path, scores: NDArray[np.float32]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with partial.open("wb") as out:
        np.save(out, scores)
    partial.replace(file)
