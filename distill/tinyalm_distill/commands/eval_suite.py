"""`tinyalm eval suite`: the field's data sets, where they are on disk."""

from pathlib import Path

import click
import msgspec

from tinyalm_distill.commands import eval_options as options
from tinyalm_distill.evaluation.pages import lines
from tinyalm_distill.evaluation.suite.datasets import NAMES


@click.command()
@click.option(
    "--data-root",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder for each data set.",
)
@click.option("--dataset", "names", multiple=True, type=click.Choice(NAMES), help="Only this one.")
@options.models
@click.option("--probe", "probes", is_flag=True, help="Linear probes, too.")
@click.option(
    "--own-prompts", is_flag=True, help="The models' own prompts, not the published ones."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for suite.md, .json and .png.")
@options.as_json
def suite(
    data_root: Path,
    names: tuple[str, ...],
    bundle: Path | None,
    teacher: str | None,
    against: str | None,
    probes: bool,
    own_prompts: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Evaluate on ESC-50, FSD50K, Clotho and others below --data-root (docs/evaluation.md).

    Prompts and folds are the published ones. A data set that is not there is one line.
    """
    from tinyalm_distill.evaluation.suite.run import run_suite

    embedder, other = options.opened(bundle, teacher, against)
    entries = run_suite(
        data_root, embedder, other, names=names, probes=probes, own_prompts=own_prompts
    )
    for entry in entries:
        if as_json:
            click.echo(msgspec.json.encode(entry))
        elif entry.skipped:
            click.echo(f"{entry.dataset}: skipped: {entry.skipped}")
        else:
            click.echo(f"{entry.dataset}: {entry.on_disk} of {entry.published} clips on disk")
            for made in entry.results:
                click.echo(
                    "\n".join(f"  {line}" for text in lines(made) for line in text.split("\n"))
                )
    if out is not None:
        from tinyalm_distill.evaluation.suite.page import write_suite  # matplotlib takes a second

        click.echo(write_suite(out, entries), err=as_json)
