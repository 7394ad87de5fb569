"""From recordings to learned labels: what is heard, and what it is told from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm import few_shot
from tinyalm.adapters import LearnedLabels, encoder_of
from tinyalm.audio import Source
from tinyalm.background import read_background
from tinyalm.bundle import BundleManifest
from tinyalm.errors import ConfigError
from tinyalm.results import WindowEmbeddings, unit_length
from tinyalm.text_side import TextSide

Hear = Callable[[Source], WindowEmbeddings]


def learn(
    examples: Mapping[str, Sequence[Source]],
    others: Sequence[Source],
    hear: Hear,
    background: NDArray[np.float32],
    manifest: BundleManifest,
    *,
    name: str,
    false_alarm: float,
) -> LearnedLabels:
    """Learn labels from recordings; see `tinyalm.Model.learn`.

    Args:
        examples: by label, its recordings.
        others: recordings that hold none of the labels.
        hear: embeds a recording.
        background: (n, dim) float32, further sounds that are none of the labels.
        manifest: of the bundle that hears.
        name: of the set.
        false_alarm: share of other sounds that may be answered, at most.
    """

    def heard(sources: Sequence[Source]) -> list[NDArray[np.float32]]:
        if not isinstance(sources, list | tuple):
            raise ConfigError(f"{sources!r} is not a list; give a list of recordings")
        return [unit_length(hear(one).heard.mean(axis=0)) for one in sources]

    return few_shot.learn(
        {label: heard(sources) for label, sources in examples.items()},
        np.array([*background, *heard(others)], np.float32),
        name=name,
        encoder=encoder_of(manifest),
        false_alarm=false_alarm,
    )


def background_of(path: Path, manifest: BundleManifest, text: TextSide) -> NDArray[np.float32]:
    """What a bundle has for learned labels to be told from, (n, dim) float32."""
    if manifest.background is not None:
        return read_background(path / manifest.background, manifest.embedding_dim)
    if manifest.labels and (manifest.text is not None or manifest.label_pack is not None):
        return text.embed_labels(list(manifest.labels), own=True).embeddings
    return np.zeros((0, manifest.embedding_dim), np.float32)
