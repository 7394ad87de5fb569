"""Options that the commands of `tinyalm eval` share, and how they print."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from tinyalm_distill.evaluation.embedders import (
    BundleEmbedder,
    Embedder,
    TeacherEmbedder,
    open_embedder,
)
from tinyalm_distill.evaluation.pages import lines
from tinyalm_distill.evaluation.results import Measurement, Result, result
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.teachers import open_teacher

Command = TypeVar("Command", bound=Callable[..., None])

test = click.option("--test", help="Test on this split, train on the others; else on each in turn.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def manifest(what: str) -> Callable[[Command], Command]:
    """The options --manifest, whose clips come with ``what``, and --split."""

    def add(command: Command) -> Command:
        command = click.option("--split", help="Only the manifest's clips of this split.")(command)
        text = f"Clips with {what}; also asset:NAME."
        return click.option("--manifest", required=True, help=text)(command)

    return add


def models(command: Command) -> Command:
    """The options --bundle, --teacher and --against."""
    for option in (
        click.option("--against", metavar="MODEL", help="Compare with this teacher or bundle."),
        click.option("--teacher", help="The teacher to measure."),
        click.option("--bundle", type=click.Path(path_type=Path), help="The bundle to measure."),
    ):
        command = option(command)
    return command


def opened(
    bundle: Path | None, teacher: str | None, against: str | None
) -> tuple[Embedder, Embedder | None]:
    """The model to measure, and the one to compare it with."""
    if (bundle is None) == (teacher is None):
        raise click.UsageError("name one of --bundle and --teacher")
    first = BundleEmbedder(bundle) if bundle else TeacherEmbedder(open_teacher(teacher or ""))
    return first, open_embedder(against) if against else None


def measure_and_print(
    measure: Callable[[Embedder, list[Clip]], Measurement],
    name: str,
    split: str | None,
    models: tuple[Path | None, str | None, str | None],
    as_json: bool,
) -> Result:
    """Measure the models that are asked for on the manifest ``name`` and print what comes."""
    embedder, other = opened(*models)
    clips = read_clips(name, split)
    made = result(measure(embedder, clips), measure(other, clips) if other else None)
    show([made], as_json)
    return made


def show(results: Sequence[Result], as_json: bool) -> None:
    """Print results, as one JSON object a line or for people."""
    for one in results:
        click.echo(msgspec.json.encode(one) if as_json else "\n".join(lines(one)))
