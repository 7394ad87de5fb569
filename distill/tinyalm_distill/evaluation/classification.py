"""Classification by names alone, and the figures that all classification shares."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.evaluation.bootstrap import Statistic
from tinyalm_distill.evaluation.embedders import Embedder, embed_labels, open_embedder
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.metrics import class_mean, mean, mean_average_precision, top_k
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip, read_clips

FIGURES = ("top-1", "top-5", "macro top-1", "mAP")


def labelled(clips: Sequence[Clip]) -> list[Clip]:
    """The clips that have labels.

    Raises:
        DataError: none has.
    """
    found = [clip for clip in clips if clip.labels]
    if not found:
        raise DataError("the manifest has no labels (column 'label'), and this measure needs them")
    return found


def labels_of(clips: Sequence[Clip]) -> list[str]:
    """All labels of ``clips``, sorted."""
    return sorted({label for clip in clips for label in clip.labels})


def relevance(clips: Sequence[Clip], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each label applies to each clip, (clips, labels)."""
    column = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(clips), len(labels)), bool)
    for row, clip in zip(table, clips, strict=True):
        row[[column[label] for label in clip.labels if label in column]] = True
    return table


def figures(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> dict[str, Statistic]:
    """The statistics named in `FIGURES` of (clips, labels) scores.

    A clip with several labels is right where any of them is among its best.
    """
    hits = top_k(scores, relevant, 1)
    return {
        "top-1": mean(hits),
        "top-5": mean(top_k(scores, relevant, 5)),
        "macro top-1": class_mean(hits, relevant),
        "mAP": mean_average_precision(scores, relevant),
    }


def zero_shot(
    embedder: Embedder,
    clips: Sequence[Clip],
    *,
    templates: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> Measurement:
    """Classify clips by the cosine to each label's text (survey VII.A.1).

    Args:
        embedder: the model.
        clips: those with labels count.
        templates: prompts, averaged; none for the model's own.
        labels: the label set; none for the clips' own labels.

    Raises:
        DataError: no clip has a label, or none can be used.
        ConfigError: a template without ``{}``.
    """
    clips = labelled(clips)
    names = list(labels) or labels_of(clips)
    texts = embed_labels(embedder, names, templates)
    heard = hear(embedder, [Whole(clip) for clip in clips])
    relevant = relevance([clips[number] for number in heard.used], names)
    return Measurement(
        measure="zero-shot",
        model=embedder.name,
        clips=heard.used,
        statistics=figures(heard.rows @ texts.T, relevant),
        retained=FIGURES,
        embeddings=heard.rows,
        facts={
            "labels": len(names),
            "templates": list(templates) or [embedder.template],
            "clips with several labels": int((relevant.sum(axis=1) > 1).sum()),
        },
        skipped=heard.skipped,
    )


def bundle_accuracy(bundle: str, manifest: str, split: str | None) -> dict[str, float]:
    """Zero-shot accuracy of a bundle, for `tinyalm bench`.

    Args:
        bundle: its folder.
        manifest: recordings with labels.
        split: of the manifest; all without it.

    Returns:
        The figures named in `FIGURES`.

    Raises:
        DataError: the manifest cannot be read, has no labels, or none of its clips can be used.
    """
    measured = zero_shot(open_embedder(bundle), read_clips(manifest, split))
    once = np.ones((1, len(measured.clips)))
    return {name: float(of(once)[0]) for name, of in measured.statistics.items()}
