"""`tinyalm distill pull`: fetches teachers and sounds into the cache."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from tinyalm_distill.assets import state_of
from tinyalm_distill.fetch import pull as pull_asset
from tinyalm_distill.registry import Asset, asset, assets


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--list", "listing", is_flag=True, help="Show the assets and what the cache holds.")
def pull(names: tuple[str, ...], listing: bool) -> None:
    """Fetch the assets NAME... into the cache and print their folders.

    What is there and whole is not fetched again. The cache is $TINYALM_CACHE, else
    $XDG_CACHE_HOME/tinyalm, else ~/.cache/tinyalm.
    """
    if not names and not listing:
        raise click.UsageError("name an asset, or see them all with --list")
    # All names are looked up before the first download.
    chosen = [asset(name) for name in names] or assets()
    if listing:
        click.echo(_table(chosen))
        return
    for item in chosen:
        with _bars() as bars:
            folder = pull_asset(item.name, progress=_Steps(bars))
        for source in item.sources:
            note = f"; {source.licence_note}" if source.licence_note else ""
            click.echo(f"licence of {source.label}: {source.licence}{note}", err=True)
        click.echo(folder)


class _Steps:
    """Shows each step of a pull as a bar of its own."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total or None)
        self._bars.update(self._tasks[step], completed=done)


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )


def _table(chosen: Sequence[Asset]) -> str:
    rows = [("NAME", "KIND", "SIZE", "LICENCE", "STATE")]
    rows += [
        (
            item.name,
            item.kind,
            f"{item.bytes / 1e6:.1f} MB",
            ", ".join(item.licences),
            state_of(item),
        )
        for item in chosen
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)
