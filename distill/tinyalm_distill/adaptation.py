"""A frozen student moved to a new domain by a residual map over its embeddings.

CLIP-Adapter (arXiv:2110.04544): two small matrices are trained on labelled clips against the
embeddings of the label texts, while other sounds are held where the student puts them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tinyalm.adapters import ResidualMap, encoder_of
from tinyalm.audio import read
from tinyalm.background import read_background
from tinyalm.errors import AudioError, ConfigError, DataError
from tinyalm.model import Model
from tinyalm.results import unit_length
from tinyalm_distill.evaluation.bootstrap import Interval, bootstrap
from tinyalm_distill.evaluation.metrics import mean, top_k
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recordings import Progress

TEMPERATURE = 0.07  # of the softmax over labels, as CLIP starts with


class AdaptConfig(Struct, frozen=True, kw_only=True):
    """How a residual map is trained; docs/adapters.md has what the defaults reached.

    Attributes:
        rank: rows of ``down``.
        keep: weight of holding other sounds in place.
        steps: of Adam on all clips at once.
        learning_rate: of Adam.
        seed: of the first weights.
    """

    rank: int = 16
    keep: float = 3.0
    steps: int = 300
    learning_rate: float = 3e-3
    seed: int = 0


class Sounds(Struct, frozen=True):
    """Clips as the student hears them.

    Attributes:
        windows: (n, dim) float32, unit length, of all clips one after the other.
        owner: (n,) the clip that each is of.
        clips: those that could be used.
        skipped: why the others could not.
    """

    windows: NDArray[np.float32]
    owner: NDArray[np.int64]
    clips: list[Clip]
    skipped: list[str]

    def pooled(self, residual: ResidualMap | None = None) -> NDArray[np.float32]:
        """Embeddings of the clips as the device has them with ``residual``, (clips, dim)."""
        windows = self.windows if residual is None else residual(self.windows)
        ends = np.cumsum(np.bincount(self.owner))[:-1]
        return unit_length(np.stack([part.mean(axis=0) for part in np.split(windows, ends)]))


class Change(Struct, frozen=True):
    """Zero-shot top-1 on clips that nothing was trained on, and how far they were moved.

    Attributes:
        clips: how many.
        labels: that each was asked about.
        before: top-1 of the student as it is.
        after: top-1 with the adapter.
        cosine: of embeddings before and after, the mean.
    """

    clips: int
    labels: int
    before: Interval
    after: Interval
    cosine: float


def hear(model: Model, clips: Sequence[Clip], progress: Progress | None = None) -> Sounds:
    """Embed clips window by window; those that cannot be used are listed.

    Raises:
        DataError: none can be used.
    """
    windows: list[NDArray[np.float32]] = []
    used: list[Clip] = []
    skipped: list[str] = []
    rate = model.manifest.frontend.sample_rate
    for number, clip in enumerate(clips):
        try:
            waveform = read(clip.file, rate, start_s=clip.start_s, end_s=clip.end_s)
            windows.append(model.embed_windows(waveform, rate).heard)
            used.append(clip)
        except AudioError as error:
            skipped.append(str(error))
        if progress is not None:
            progress(number + 1, len(clips))
    if not used:
        raise DataError(f"none of the {len(clips)} clips can be used; {(skipped or ['none'])[0]}")
    owner = np.repeat(np.arange(len(used)), [len(rows) for rows in windows])
    return Sounds(np.concatenate(windows), owner, used, skipped)


def adapt(
    model: Model, sounds: Sounds, kept: NDArray[np.float32], config: AdaptConfig, *, name: str
) -> ResidualMap:
    """Train a residual map; the same inputs give the same map.

    Args:
        model: the student; only its text side is used.
        sounds: of the new domain, with labels.
        kept: (n, dim) float32, unit length, embeddings that are to stay where they are.
        config: how.
        name: of the adapter.

    Raises:
        ConfigError: fewer than two labels to tell apart, or settings that make no sense.
        BundleError: the bundle has no text side.
    """
    labels = sorted({label for clip in sounds.clips for label in clip.labels})
    if len(labels) < 2:
        raise ConfigError(f"{len(labels)} labels to tell apart, and at least 2 are needed")
    if config.rank < 1 or config.steps < 1 or config.keep < 0 or not config.learning_rate > 0:
        raise ConfigError("rank and steps must be 1 or more, learning_rate above 0, keep not below")
    texts = torch.from_numpy(model.embed_labels(labels).embeddings)
    targets = torch.from_numpy(_targets(sounds.clips, labels))
    windows, owner = torch.from_numpy(sounds.windows), torch.from_numpy(sounds.owner)
    still = torch.from_numpy(kept)
    dim = windows.shape[1]
    generator = torch.Generator().manual_seed(config.seed)
    down = (torch.randn(config.rank, dim, generator=generator) / dim**0.5).requires_grad_()
    up = torch.zeros(dim, config.rank, requires_grad=True)  # the map starts as no map at all
    optimizer = torch.optim.Adam([down, up], lr=config.learning_rate)
    for _ in range(config.steps):
        moved = torch.zeros(len(targets), dim).index_add(0, owner, _move(windows, down, up))
        loss = functional.cross_entropy(
            functional.normalize(moved) @ texts.T / TEMPERATURE, targets
        )
        if len(still):
            cosines = (_move(still, down, up) * still).sum(dim=1)
            loss = loss + config.keep * (1 - cosines).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return ResidualMap(name, encoder_of(model.manifest), down.detach().numpy(), up.detach().numpy())


def change(model: Model, sounds: Sounds, residual: ResidualMap) -> Change:
    """Measure what an adapter does to clips with labels that it was not trained on."""
    clips = [number for number, clip in enumerate(sounds.clips) if clip.labels]
    before, after = sounds.pooled()[clips], sounds.pooled(residual)[clips]
    labels = sorted({label for number in clips for label in sounds.clips[number].labels})
    relevant = _targets([sounds.clips[number] for number in clips], labels) > 0
    texts = model.embed_labels(labels).embeddings
    top1 = [
        bootstrap(mean(top_k(rows @ texts.T, relevant, 1)), len(clips)).interval()
        for rows in (before, after)
    ]
    cosine = float((before * after).sum(axis=1).mean())
    return Change(len(clips), len(labels), top1[0], top1[1], cosine)


def background_of(model: Model, bundle: Path) -> NDArray[np.float32]:
    """The embeddings of everyday sounds that the bundle brings, (n, dim); n is 0 without any."""
    manifest = model.manifest
    if manifest.background is None:
        return np.zeros((0, manifest.embedding_dim), np.float32)
    return read_background(bundle / manifest.background, manifest.embedding_dim)


def _move(rows: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """As `ResidualMap` does on the device."""
    return functional.normalize(rows + functional.relu(rows @ down.T) @ up.T)


def _targets(clips: Sequence[Clip], labels: list[str]) -> NDArray[np.float32]:
    """(clips, labels) shares that add up to 1 for each clip."""
    rows = np.array([[label in clip.labels for label in labels] for clip in clips], np.float32)
    return np.asarray(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1))
