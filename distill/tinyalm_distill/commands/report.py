"""`tinyalm eval report`: one page on a teacher and its students."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import tinyalm
from tinyalm.shipped import find_bundle
from tinyalm_distill.manifest import Clip, read_clips

if TYPE_CHECKING:
    from tinyalm_distill.report import Row


@click.command()
@click.option("--manifest", required=True, help="Clips with labels; also asset:NAME.")
@click.option("--split", help="Only the manifest's clips of this split.")
@click.option("--teacher", "name", default="yamnet-minilm", show_default=True)
@click.option("--bundle", "bundles", multiple=True, required=True, type=click.Path(path_type=Path))
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Draw its training, too.")
@click.option(
    "--measure",
    "measures",
    multiple=True,
    type=click.Choice(["retrieval", "order", "calibration", "probe"]),
    help="Beside zero-shot classification.",
)
@click.option(
    "--seconds",
    multiple=True,
    type=click.FloatRange(0.1, 600),
    default=(1, 5, 10),
    show_default=True,
    help="Lengths of the clips that all are timed on.",
)
@click.option("--runs", type=click.IntRange(min=2), default=21, show_default=True)
@click.option("--picture", "recordings", multiple=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the page.")
@click.option("--title", default="Teacher and students", show_default=True)
def report(
    manifest: str,
    split: str | None,
    name: str,
    bundles: tuple[Path, ...],
    checkpoint: Path | None,
    measures: tuple[str, ...],
    seconds: tuple[float, ...],
    runs: int,
    recordings: tuple[Path, ...],
    out: Path,
    title: str,
) -> None:
    """Measure a teacher and bundles on the same clips and write report.md, .json and pictures.

    Each --picture RECORDING gives a picture of its log-mel with the first bundle's tags over time,
    and with its caption where that bundle has a captioner.
    """
    clips = read_clips(manifest, split)
    from tinyalm_distill.report import measure, write  # torch takes a second

    out.mkdir(parents=True, exist_ok=True)
    bundles = tuple(map(find_bundle, bundles))
    rows = measure(name, bundles, clips, measures, seconds=seconds, runs=runs)
    pictures = _pictures(bundles[0], recordings, clips, checkpoint, out)
    pictures += [*_costs(rows, out), *_reliability(rows, out)]
    click.echo(write(out, title, rows, pictures))


def _pictures(
    bundle: Path,
    recordings: tuple[Path, ...],
    clips: list[Clip],
    checkpoint: Path | None,
    out: Path,
) -> list[tuple[str, Path]]:
    from tinyalm_distill.pictures import draw_tags, draw_training  # matplotlib takes a second
    from tinyalm_distill.training_state import read_history

    drawn, model = [], tinyalm.load(bundle)
    labels = sorted({label for clip in clips for label in clip.labels})
    for number, recording in enumerate(recordings, start=1):
        path = out / f"tags-{number}.png"
        draw_tags(model, recording, labels, path)
        said = f", captioned {model.caption(recording).text!r}" if model.manifest.caption else ""
        drawn.append((f"{recording.name}{said}: log-mel, and five labels over time", path))
    if checkpoint is not None:
        path = out / "training.png"
        draw_training(read_history(checkpoint), path)
        drawn.append(("Training loss and validation cosine over the steps", path))
    return drawn


def _costs(rows: list[Row], out: Path) -> list[tuple[str, Path]]:
    from tinyalm_distill.pictures import draw_costs

    draw_costs({row.name: row.timings for row in rows}, out / "costs.png")
    return [
        ("Milliseconds a clip on one thread: the median, and 95 % of the runs", out / "costs.png")
    ]


def _reliability(rows: list[Row], out: Path) -> list[tuple[str, Path]]:
    models = {
        row.name: one.facts["reliability"]
        for row in rows
        for one in row.results
        if one.measure == "calibration"
    }
    if not models:
        return []
    from tinyalm_distill.pictures import draw_reliability

    draw_reliability(models, out / "reliability.png")
    caption = "How often labels apply by their score, at even odds; on the diagonal: calibrated"
    return [(caption, out / "reliability.png")]
