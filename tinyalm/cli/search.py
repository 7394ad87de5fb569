"""`tinyalm search`: find moments in indexed recordings, by words or by sound."""

import json
from datetime import datetime
from pathlib import Path

import click

from tinyalm.cli.index import index_options, opened
from tinyalm.cli.layout import aligned, clock
from tinyalm.cli.model_options import model_options
from tinyalm.errors import ConfigError
from tinyalm.index import Hit

_WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command()
@click.argument("text", required=False)
@click.option("--audio", type=click.Path(path_type=Path), help="Search for what is in this file.")
@index_options
@click.option("--folder", type=click.Path(path_type=Path), help="Only recordings in this folder.")
@click.option("--after", type=_WHEN, help="Only recordings last changed then or later.")
@click.option("--before", type=_WHEN, help="Only recordings last changed earlier.")
@click.option("--top-k", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each moment.")
@model_options
def search(
    text: str | None,
    audio: Path | None,
    file: Path,
    key: Path | None,
    folder: Path | None,
    after: datetime | None,
    before: datetime | None,
    top_k: int,
    as_json: bool,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
) -> None:
    """Find the moments in indexed recordings that TEXT says, or that sound like --audio.

        tinyalm search "a dog far away" --index sounds.db

    With --json: {"file", "start", "end", "similarity"}, best first, times in seconds into the
    recording.
    """
    if (text is None) == (audio is None):
        raise ConfigError("nothing to search for, or two things; give one of TEXT and --audio FILE")
    if not file.exists():
        raise ConfigError(f"{file}: no index here; make one with 'tinyalm index sync FOLDER'")
    with opened(file, key, bundle, adapters, threads) as index:
        if audio is not None:
            hits = index.search_audio(audio, top_k=top_k, folder=folder, after=after, before=before)
        else:
            hits = index.search(text or "", top_k=top_k, folder=folder, after=after, before=before)
    if as_json:
        for hit in hits:
            # ASCII, so that no terminal or file name can spoil it.
            click.echo(json.dumps(hit.to_dict(), allow_nan=False))
    else:
        click.echo(_table(hits))


def _table(hits: list[Hit]) -> str:
    rows = [("similarity", "when", "file")]
    for hit in hits:
        when = f"{clock(hit.start)}\N{EN DASH}{clock(hit.end)}"
        rows.append((f"{hit.similarity:10.3f}", when, hit.file))
    return aligned(rows)
