"""`tinyalm tag`: which labels a recording holds, and when."""

import json
from pathlib import Path

import click

from tinyalm.cli.asked import asked_labels, label_options
from tinyalm.cli.inputs import checked, recordings
from tinyalm.cli.layout import aligned, clock
from tinyalm.cli.model_options import load_model, model_options
from tinyalm.errors import AudioError
from tinyalm.results import ClipTags


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@label_options
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each file.")
@model_options
def tag(
    files: tuple[Path, ...],
    labels: str | None,
    labels_file: Path | None,
    template: str | None,
    top_k: int,
    as_json: bool,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
) -> None:
    """Say which labels each FILE holds, and when.

    A folder stands for the audio files in it. Without --labels and --labels-file the bundle's own
    labels are asked. A file that cannot be used costs one line on standard error and exit status 2;
    the others are answered.

    With --json each file is one line, printed when it is done: {"file", "duration", "tags":
    [{"label", "score", "similarity", "start", "end"}], "segments": [{"start", "end", "tags":
    [{"label", "score", "similarity"}]}]}, times in seconds.
    """
    model = load_model(bundle, adapters, threads)
    asked = asked_labels(labels, labels_file)
    failed = False
    for file in recordings(files):
        try:
            tags = model.tag(checked(file), asked, top_k=top_k, template=template)
        except AudioError as error:
            click.echo(f"tinyalm: {error}", err=True)
            failed = True
        else:
            click.echo(_json(file, tags) if as_json else _table(file, tags))
    if failed:
        raise click.exceptions.Exit(2)


def _json(file: Path, tags: ClipTags) -> str:
    # ASCII, so that no terminal or file name can spoil it.
    return json.dumps({"file": str(file), **tags.to_dict()}, allow_nan=False)


def _table(file: Path, tags: ClipTags) -> str:
    rows = [("score", "label", "strongest")]
    for tag in tags:
        when = f"{clock(tag.start)}\N{EN DASH}{clock(tag.end)}"
        rows.append((f"{tag.score:5.3f}", tag.label, when))
    return f"{file} ({clock(tags.duration)})\n{aligned(rows, indent='  ')}"
