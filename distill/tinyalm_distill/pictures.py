"""Pictures of reports: what a student hears over time, its training, calibration and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tinyalm.audio import read
from tinyalm.benchmark import Row as Timing
from tinyalm.frontend import log_mel
from tinyalm.model import Model
from tinyalm_distill.evaluation.calibration import Bin
from tinyalm_distill.evaluation.results import Figure as Measured
from tinyalm_distill.training_state import Measurement


def draw_tags(model: Model, file: Path, labels: Sequence[str], path: Path) -> None:
    """Draw the log-mel of ``file`` with the scores of ``labels``, window by window, under it.

    Args:
        model: a loaded bundle.
        file: a recording.
        labels: at least one; the five best are drawn.
        path: the PNG to write.
    """
    spec = model.manifest.frontend
    tags = model.tag(file, list(labels), top_k=len(labels))
    best = [tag.label for tag in tags[:5]]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    mel = log_mel(read(file, spec.sample_rate), spec)
    upper.imshow(
        mel.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, tags.duration, 0, spec.n_mels),
    )
    upper.set(title=file.name, ylabel="mel band")
    for label in best:
        scores = {tag.label: tag.score for tag in tags}
        middles = [(segment.start + segment.end) / 2 for segment in tags.segments]
        course = [
            next(tag.score for tag in segment.tags if tag.label == label)
            for segment in tags.segments
        ]
        lower.plot(
            middles, course, marker="o", markersize=3, label=f"{label} ({scores[label]:.2f})"
        )
    lower.set(xlabel="seconds", ylabel="score", ylim=(0, 1.02), xlim=(0, tags.duration))
    lower.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.savefig(path, dpi=110)


def draw_training(history: Sequence[Measurement], path: Path) -> None:
    """Draw training loss and validation cosine over the steps into the PNG at ``path``."""
    steps = np.array([point.step for point in history])
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, [point.loss for point in history], marker="o", markersize=3, color="#b5403a")
    axes.set(xlabel="step", ylabel="training loss (1 - cosine)", ylim=(0, None))
    right = axes.twinx()
    right.plot(steps, [point.cosine for point in history], marker="s", markersize=3)
    right.set(ylabel="cosine to teacher, validation", ylim=(0, 1))
    axes.yaxis.label.set_color("#b5403a")
    right.yaxis.label.set_color("C0")
    figure.savefig(path, dpi=110)


def draw_reliability(models: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """Draw how often labels apply against their scores, at even odds, into the PNG at ``path``.

    Args:
        models: the bins of `tinyalm_distill.evaluation.calibration.reliability` by model.
        path: the PNG to write.
    """
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="calibrated")
    for name, bins in models.items():
        scores, applies = [one.score for one in bins], [one.applies for one in bins]
        axes.plot(scores, applies, marker="o", markersize=4, label=name)
    axes.set(xlabel="score", ylabel="share to which the label applies", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def draw_costs(models: Mapping[str, Sequence[Timing]], path: Path) -> None:
    """Draw what clips of several lengths take each of ``models`` into the PNG at ``path``."""
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, timings in models.items():
        seconds = [one.clip_s for one in timings]
        low, high = [one.p50_ms for one in timings], [one.p95_ms for one in timings]
        axes.plot(seconds, low, marker="o", markersize=4, label=name)
        axes.vlines(seconds, low, high, color=axes.lines[-1].get_color())
    axes.set(xlabel="clip, seconds", ylabel="milliseconds", yscale="log", xlim=(0, None))
    axes.grid(axis="y", color="0.9")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def draw_figures(figures: Mapping[str, Measured], path: Path) -> None:
    """Draw figures with their intervals, and the compared model's, into the PNG at ``path``."""
    figure = Figure(figsize=(7, 1 + 0.35 * len(figures)), layout="constrained")
    axes = figure.subplots()
    for row, one in enumerate(figures.values()):
        axes.plot([one.low, one.high], [row, row], color="C0")
        axes.plot(one.value, row, marker="o", color="C0")
        if one.against is not None:
            axes.plot(one.against.value, row, marker="|", markersize=12, color="#b5403a")
    axes.set(yticks=range(len(figures)), yticklabels=list(figures), xlim=(0, 1))
    axes.invert_yaxis()
    axes.grid(axis="x", color="0.9")
    figure.savefig(path, dpi=110)
