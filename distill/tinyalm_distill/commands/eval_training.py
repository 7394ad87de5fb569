"""`tinyalm eval probe` and `finetune`: what classifiers make of a model's audio side."""

from pathlib import Path

import click

from tinyalm_distill.commands import eval_options as options
from tinyalm_distill.manifest import read_clips

folds = click.option(
    "--folds",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="How many, where the manifest has no splits.",
)


@click.command()
@options.manifest("labels")
@options.test
@folds
@options.models
@options.as_json
def probe(
    manifest: str,
    split: str | None,
    test: str | None,
    folds: int,
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    as_json: bool,
) -> None:
    """Linear probe: logistic regression on frozen embeddings, fold by fold.

    The manifest's splits are the folds.
    """
    from tinyalm_distill.evaluation.probe import probe as measure  # torch takes a second

    options.measure_and_print(
        lambda embedder, clips: measure(embedder, clips, test=test, count=folds),
        manifest,
        split,
        (bundle, teacher, against),
        as_json,
    )


@click.command()
@options.manifest("labels")
@options.test
@folds
@click.option("--checkpoint", required=True, type=click.Path(path_type=Path), help="To fine-tune.")
@click.option("--against", type=click.Path(path_type=Path), help="Another checkpoint.")
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=3e-4)
@click.option("--seed", type=int, default=0, show_default=True)
@options.as_json
def finetune(
    manifest: str,
    split: str | None,
    test: str | None,
    folds: int,
    checkpoint: Path,
    against: Path | None,
    epochs: int,
    learning_rate: float,
    seed: int,
    as_json: bool,
) -> None:
    """Fine-tune a checkpoint's audio tower with a linear head, fold by fold.

    The manifest's splits are the folds. A finished fold is kept; after an interrupt the same
    command goes on with the next.
    """
    from tinyalm_distill.evaluation.finetune import FineTuning, fine_tune  # torch takes a second
    from tinyalm_distill.evaluation.results import result

    clips = read_clips(manifest, split)
    how = FineTuning(epochs=epochs, learning_rate=learning_rate, seed=seed)
    mine, theirs = (
        fine_tune(one, clips, test=test, count=folds, how=how) if one else None
        for one in (checkpoint, against)
    )
    if mine is not None:
        options.show([result(mine, theirs)], as_json)
