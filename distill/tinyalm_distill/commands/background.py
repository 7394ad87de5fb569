"""`tinyalm distill background`: gives a bundle what learned labels are told from."""

import shutil
from pathlib import Path

import click
import msgspec

from tinyalm.background import FILE, ROWS, write_background
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.progress import bar


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("manifest")
@click.option("--split", help="Only clips of this split.")
@click.option("--rows", default=ROWS, show_default=True, type=click.IntRange(50, 10000))
@click.option("--seed", default=0, show_default=True)
def background(bundle: Path, manifest: str, split: str | None, rows: int, seed: int) -> None:
    """Put embeddings of everyday sounds into BUNDLE, drawn from the clips of MANIFEST.

    `tinyalm learn` tells new labels from them. They are the student's own, so this comes last,
    after export; a background that is there is replaced.
    """
    clips = read_clips(manifest, split)
    import numpy as np

    from tinyalm.bundle import write_bundle
    from tinyalm.model import load
    from tinyalm_distill.adaptation import hear

    order = np.random.default_rng(seed).permutation(len(clips))[:rows]
    model = load(bundle)
    with bar("the student hears clips") as progress:
        sounds = hear(model, [clips[number] for number in order], progress)

    def fill(folder: Path) -> None:
        for name in model.manifest.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle / name, folder / name)
        write_background(folder, sounds.pooled())

    described = msgspec.structs.replace(model.manifest, background=FILE)
    written = write_bundle(bundle, described, fill)
    for reason in sounds.skipped:
        click.echo(f"skipped {reason}", err=True)
    click.echo(f"{bundle}: {len(sounds.clips)} sounds, {written.files[FILE].bytes} bytes")
