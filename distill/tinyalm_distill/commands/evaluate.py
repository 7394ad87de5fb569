"""`tinyalm eval zero-shot`, `retrieval`, `order` and `calibration`: what needs no training."""

from pathlib import Path

import click

from tinyalm_distill.commands import eval_options as options
from tinyalm_distill.evaluation import calibration as calibrating
from tinyalm_distill.evaluation import order as ordering
from tinyalm_distill.evaluation import retrieval as retrieving
from tinyalm_distill.evaluation.classification import zero_shot as classify


@click.command("zero-shot")
@options.manifest("labels")
@options.models
@click.option(
    "--template", "templates", multiple=True, help="Prompt with {}; several are averaged."
)
@options.as_json
def zero_shot(
    manifest: str,
    split: str | None,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    templates: tuple[str, ...],
    as_json: bool,
) -> None:
    """Zero-shot top-1, top-5 and mAP over the manifest's own labels.

    Macro top-1 is the mean over labels. With --against, also how much of that model's figures is
    retained, and the mean cosine between the embeddings of the two. In brackets: 95 % intervals of
    the bootstrap over clips.
    """
    options.measure_and_print(
        lambda embedder, clips: classify(embedder, clips, templates=templates),
        manifest,
        split,
        (bundle, teacher, against),
        as_json,
    )


@click.command()
@options.manifest("captions")
@options.models
@options.as_json
def retrieval(
    manifest: str,
    split: str | None,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    as_json: bool,
) -> None:
    """Retrieval of clips by captions and of captions by clips: R@1, R@5, R@10 and mAP@10.

    A clip may have several captions; from audio to text any of them will do.
    """
    options.measure_and_print(
        retrieving.retrieval, manifest, split, (bundle, teacher, against), as_json
    )


@click.command()
@options.manifest("labels")
@options.models
@click.option("--pairs", type=click.IntRange(1), default=200, show_default=True, help="At most.")
@options.as_json
def order(
    manifest: str,
    split: str | None,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    pairs: int,
    as_json: bool,
) -> None:
    """Does the model tell "A then B" from "B then A", and from "A while B"? Chance is 0.5.

    Sounds are put together from pairs of clips with different labels.
    """
    options.measure_and_print(
        lambda embedder, clips: ordering.order(embedder, clips, pairs=pairs),
        manifest,
        split,
        (bundle, teacher, against),
        as_json,
    )


@click.command()
@options.manifest("labels")
@options.models
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the clips without a label that may reach its threshold.",
)
@click.option("--png", type=click.Path(path_type=Path), help="Draw the reliability into this file.")
@options.as_json
def calibration(
    manifest: str,
    split: str | None,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    false_alarms: float,
    png: Path | None,
    as_json: bool,
) -> None:
    """Are scores probabilities? ECE, Brier, and what thresholds at few false alarms find.

    The thresholds, one for each label, are in the JSON.
    """
    made = options.measure_and_print(
        lambda embedder, clips: calibrating.calibration(embedder, clips, false_alarms=false_alarms),
        manifest,
        split,
        (bundle, teacher, against),
        as_json,
    )
    if png is not None:
        from tinyalm_distill.pictures import draw_reliability  # matplotlib takes a second

        draw_reliability({made.model: made.facts["reliability"]}, png)
