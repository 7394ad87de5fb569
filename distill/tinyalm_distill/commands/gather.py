"""`tinyalm distill gather`: sound without labels out of Debian packages."""

import os
from pathlib import Path

import click

from tinyalm_distill.gather.listing import read_listing
from tinyalm_distill.gather.run import Gathered
from tinyalm_distill.gather.run import gather as gather_packages
from tinyalm_distill.manifest import read_clips


@click.command()
@click.argument("listing", metavar="LIST", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the clips.")
@click.option("--leave-out", multiple=True, metavar="MANIFEST", help="Clips not to gather.")
@click.option("--jobs", default=os.cpu_count, type=click.IntRange(1, 64), help="Packages at once.")
@click.pass_context
def gather(
    context: click.Context, listing: Path, out: Path, leave_out: tuple[str, ...], jobs: int
) -> None:
    """Gather the sounds of the Debian packages that LIST names, as clips with a manifest.

    Nothing is installed, and nothing needs root. What --leave-out names is recognised by its sound,
    and clips outside the split train by their names, too. An interrupted run goes on when it is
    started again.
    """
    packages = read_listing(listing)
    clips = [clip for name in leave_out for clip in read_clips(name)]
    result = gather_packages(
        packages, out, clips, jobs=jobs, say=lambda line: click.echo(line, err=True)
    )
    for failure in result.failures:
        click.echo(f"tinyalm: {failure}", err=True)
    click.echo(_summary(result))
    click.echo(f"manifest: {out / 'manifest.csv'}")
    if result.failures:
        context.exit(2)


def _summary(result: Gathered) -> str:
    counts = result.counts
    lines = [
        f"{kind}: {clips} clips, {result.seconds[kind] / 3600:.2f} h"
        for kind, clips in sorted(result.clips.items())
    ]
    lines += [
        f"recordings: {counts.recordings}, left out {counts.left_out}, damaged {counts.damaged}",
        f"silent or short recordings: {counts.silent}",
        f"clips like others: {result.alike}",
    ]
    return "\n".join(lines)
