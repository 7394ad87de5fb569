"""`tinyalm index`: keep an index of recordings, to be searched with `tinyalm search`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tinyalm.cli.inputs import checked, recordings
from tinyalm.cli.layout import aligned, clock, size
from tinyalm.cli.model_options import load_model, model_options
from tinyalm.cli.policy_options import given_policy, policy_options
from tinyalm.errors import AudioError
from tinyalm.index import Index, SyncReport
from tinyalm.policy.guard import Guard
from tinyalm.policy.reading import in_force

_PATH = click.Path(path_type=Path)

_index_option = click.option(
    "--index",
    "file",
    required=True,
    type=_PATH,
    envvar="TINYALM_INDEX",
    show_envvar=True,
    help="The index: a file, such as sounds.db.",
)
_key_option = click.option(
    "--index-key",
    "key",
    type=_PATH,
    help="File of the key (32 bytes) of an encrypted index, or TINYALM_INDEX_KEY, the digits.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")


def index_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` --index and --index-key."""
    return _index_option(_key_option(command))


@contextmanager
def opened(
    file: Path, key: Path | None, bundle: Path | None, adapters: tuple[Path, ...], threads: int
) -> Iterator[Index]:
    """The index in ``file`` with the model that it is to be used with."""
    with load_model(bundle, adapters, threads).index(file, key=key) as opened_index:
        yield opened_index


def _bare(file: Path, key: Path | None) -> Index:
    """The index in ``file`` without a model."""
    return Index(file, guard=Guard(in_force(given_policy())), key=key)


@click.group()
def index() -> None:
    """Keep an index of recordings, to be searched with 'tinyalm search'."""


@index.command()
@click.argument("folder", type=_PATH)
@index_options
@model_options
@_json_option
def sync(
    folder: Path,
    file: Path,
    key: Path | None,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
    as_json: bool,
) -> None:
    """Make the index hold what FOLDER holds; only what is new or changed is heard.

    It can be interrupted at any time and goes on where it was. A file that cannot be used costs one
    line on standard error and exit status 2; the others are indexed.

    With --json: {"added", "updated", "removed": [file], "moved": [[old, new]], "unchanged",
    "expired": count, "failed": [line]}.
    """
    with opened(file, key, bundle, adapters, threads) as target, _bar() as progress:
        report = target.sync(folder, progress=progress)
    click.echo(json.dumps(report.to_dict()) if as_json else _summary(report))
    for line in report.failed:
        click.echo(f"tinyalm: {line}", err=True)
    if report.failed:
        raise click.exceptions.Exit(2)


@index.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_PATH)
@index_options
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each file.")
def add(
    files: tuple[Path, ...],
    file: Path,
    key: Path | None,
    bundle: Path | None,
    adapters: tuple[Path, ...],
    threads: int,
    as_json: bool,
) -> None:
    """Add each FILE, or update it where it has changed.

    A folder stands for the audio files in it. A file that cannot be used costs one line on standard
    error and exit status 2; the others are added. With --json: {"file", "outcome"}, which is added,
    updated, unchanged or expired.
    """
    failed = False
    with opened(file, key, bundle, adapters, threads) as target:
        for recording in recordings(files):
            try:
                outcome = target.add(checked(recording))
            except AudioError as error:
                click.echo(f"tinyalm: {error}", err=True)
                failed = True
            else:
                answer = {"file": str(recording), "outcome": outcome}
                click.echo(json.dumps(answer) if as_json else f"{outcome:<9}  {recording}")
    if failed:
        raise click.exceptions.Exit(2)


@index.command()
@click.argument("path", type=_PATH)
@index_options
@policy_options
def remove(path: Path, file: Path, key: Path | None) -> None:
    """Take the recording PATH, or all in the folder PATH, out of the index."""
    with _bare(file, key) as target:
        click.echo(f"removed {target.remove(path)} recordings")


@index.command()
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@index_options
@policy_options
def move(old: Path, new: Path, file: Path, key: Path | None) -> None:
    """Note that the recording or folder OLD is called NEW now."""
    with _bare(file, key) as target:
        click.echo(f"moved {target.move(old, new)} recordings")


@index.command()
@index_options
@policy_options
@_json_option
def info(file: Path, key: Path | None, as_json: bool) -> None:
    """Say what is in the index, and by which model it was made."""
    with _bare(file, key) as target:
        about = target.info()
    if as_json:
        click.echo(json.dumps(about.to_dict()))
        return
    rows = [
        ("index", f"{about.path}, {size(file.stat().st_size)}"),
        ("bundle", f"{about.bundle} (audio {about.audio_sha256[:12]})"),
        ("adapter", about.residual or "none"),
        ("embedding", f"{about.embedding_dim} numbers"),
        ("recordings", f"{about.recordings}, {clock(about.seconds)}"),
        ("segments", f"{about.segments}"),
        ("encrypted", "yes" if about.encrypted else "no"),
    ]
    click.echo(aligned(rows))


@index.command()
@click.argument("out", type=_PATH)
@index_options
@policy_options
def export(out: Path, file: Path, key: Path | None) -> None:
    """Write everything in the index to the Parquet file OUT."""
    with _bare(file, key) as target:
        click.echo(f"{out}: {target.export(out)} segments, {size(out.stat().st_size)}")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=1, label="index", show_pos=True, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show


def _summary(report: SyncReport) -> str:
    counts: dict[str, Any] = {
        "added": len(report.added),
        "updated": len(report.updated),
        "moved": len(report.moved),
        "removed": len(report.removed),
        "unchanged": report.unchanged,
    }
    if report.expired:
        counts["too old to keep"] = report.expired
    return ", ".join(f"{count} {what}" for what, count in counts.items())
