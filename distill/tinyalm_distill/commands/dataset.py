"""`tinyalm distill dataset`: a published data set as a manifest."""

from pathlib import Path

import click

from tinyalm.cli.layout import aligned
from tinyalm.errors import DataError
from tinyalm_distill.datasets.registry import DATASETS
from tinyalm_distill.datasets.registry import dataset as find_dataset
from tinyalm_distill.manifest_file import check_manifest_name, write_manifest


@click.command()
@click.argument("name", required=False)
@click.argument("root", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The manifest: .csv, .jsonl or .parquet."
)
@click.option("--list", "listing", is_flag=True, help="Show the data sets and their licences.")
def dataset(name: str | None, root: Path | None, out: Path | None, listing: bool) -> None:
    """Write the data set NAME, unpacked in the folder ROOT as published, as a manifest.

    Clips whose recordings are missing are counted and left out.
    """
    if listing:
        rows = [(one.name, one.licence, one.homepage) for one in DATASETS]
        click.echo(aligned([("NAME", "LICENCE", "FROM"), *rows]))
        return
    if name is None or root is None or out is None:
        raise click.UsageError("name a data set, its folder and --out, or see them with --list")
    wanted = find_dataset(name)
    check_manifest_name(out)
    clips = wanted.clips(root)
    there = [clip for clip in clips if clip.file.is_file()]
    if not there:
        raise DataError(
            f"{root}: none of the {len(clips)} recordings of {name} is there, "
            f"the first being {clips[0].file}"
            if clips
            else f"{root}: {name} lists no clips"
        )
    write_manifest(out, there)
    click.echo(f"{name}: {len(there)} of {len(clips)} published clips are on disk")
    for licence in sorted({clip.licence for clip in there}):
        click.echo(f"licence of {sum(c.licence == licence for c in there)} clips: {licence}")
    click.echo(f"manifest: {out}")
