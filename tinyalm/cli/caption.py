"""`tinyalm caption`: what a recording holds, in a sentence."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyalm.cli.inputs import checked, recordings
from tinyalm.cli.layout import aligned, clock
from tinyalm.cli.model_options import load_model, model_options
from tinyalm.errors import AudioError

if TYPE_CHECKING:
    from tinyalm.captioning.results import Caption
    from tinyalm.captioning.side import Style


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--style",
    type=click.Choice(["short", "full"]),
    default="short",
    show_default=True,
    help="The names of what sounds, or a sentence, which is wrong more often.",
)
@click.option(
    "--beam",
    type=click.IntRange(min=1, max=64),
    default=4,
    show_default=True,
    help="Sentences that the search follows at once.",
)
@click.option("--explain", is_flag=True, help="Show how much the sound supports each word.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each file.")
@model_options
def caption(
    files: tuple[Path, ...],
    style: "Style",
    beam: int,
    explain: bool,
    as_json: bool,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
) -> None:
    """Say in a sentence what each FILE holds.

    A folder stands for the audio files in it. A file that cannot be used costs one line on standard
    error and exit status 2; the others are answered.

    With --json each file is one line, printed when it is done: {"file", "text", "confidence",
    "duration", "segments": [{"start", "end", "text", "confidence", "words": [{"text", "support",
    "kept"}]}]}, times in seconds.
    """
    model = load_model(bundle, adapters, threads)
    failed = False
    for file in recordings(files):
        try:
            said = model.caption(checked(file), beam=beam, style=style)
        except AudioError as error:
            click.echo(f"tinyalm: {error}", err=True)
            failed = True
        else:
            click.echo(_json(file, said) if as_json else _lines(file, said, explain=explain))
    if failed:
        raise click.exceptions.Exit(2)


def _json(file: Path, said: "Caption") -> str:
    # ASCII, so that no terminal or file name can spoil it.
    return json.dumps({"file": str(file), **said.to_dict()}, allow_nan=False)


def _lines(file: Path, said: "Caption", *, explain: bool) -> str:
    lines = [f"{file} ({clock(said.duration)}): {said.text} [{said.confidence:.2f}]"]
    if not explain:
        return lines[0]
    for one in said.segments:
        span = f"{clock(one.start)}\N{EN DASH}{clock(one.end)}"
        lines.append(f"  {span} {one.text or 'nothing recognisable'} [{one.confidence:.2f}]")
        rows = [
            (f"{word.support:5.3f}", word.text, "" if word.kept else "taken out")
            for word in one.words
        ]
        lines += [aligned(rows, indent="    ")] if rows else []
    return "\n".join(lines)
