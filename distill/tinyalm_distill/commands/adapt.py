"""`tinyalm distill adapt`: a frozen student moved to a new domain."""

from dataclasses import replace
from pathlib import Path

import click
import msgspec

from tinyalm.errors import ConfigError
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.progress import bar
from tinyalm_distill.recipe import DataConfig
from tinyalm_distill.splits import split_clips


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("manifest")
@click.option("--keep", metavar="MANIFEST", help="Other sounds, to be left where they are.")
@click.option("--rank", default=16, show_default=True, type=click.IntRange(1, 256))
@click.option("--seed", default=0, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The adapter file.")
@click.option("--json", "as_json", is_flag=True)
def adapt(
    bundle: Path,
    manifest: str,
    keep: str | None,
    rank: int,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Train an adapter for BUNDLE on the labelled clips of MANIFEST, a few hundred of them.

    Clips of the split dev, or one file in ten where there are no splits, are only measured on.
    What the bundle's background and --keep hold is kept in place. Printed are zero-shot top-1
    before and after on the clips that nothing was trained on, of both manifests.
    """
    train, held_out = split_clips(_labelled(manifest), DataConfig(manifests=[manifest]))
    others = split_clips(read_clips(keep), DataConfig(manifests=[keep])) if keep else None
    import numpy as np  # these, and torch, take a second

    from tinyalm.adapters import save_adapter
    from tinyalm.model import load
    from tinyalm_distill.adaptation import AdaptConfig, background_of, change, hear
    from tinyalm_distill.adaptation import adapt as train_adapter

    model = load(bundle)
    with bar("the student hears clips") as progress:
        learned = hear(model, train, progress)
    with bar("and those held out") as progress:
        measured = {"domain": hear(model, held_out, progress)}
    still = [background_of(model, bundle)]
    if others is not None:
        with bar("and those to be kept") as progress:
            still.append(hear(model, others[0], progress).windows)
        with bar("and theirs held out") as progress:
            measured["kept"] = hear(model, others[1], progress)
    config = AdaptConfig(rank=rank, seed=seed)
    residual = train_adapter(model, learned, np.concatenate(still), config, name=out.stem)
    changes = {
        name: change(model, sounds, residual)
        for name, sounds in measured.items()
        if any(clip.labels for clip in sounds.clips)
    }
    metrics = {
        f"{name}_{key}": getattr(one, key).value
        for name, one in changes.items()
        for key in ("before", "after")
    }
    save_adapter(replace(residual, metrics=metrics), out)
    if as_json:
        click.echo(msgspec.json.encode(changes))
        return
    for name, one in changes.items():
        click.echo(
            f"{name}: top-1 {one.before} -> {one.after} on {one.clips} clips, {one.labels} labels; "
            f"cosine to before {one.cosine:.3f}"
        )
    click.echo(f"{out}: {out.stat().st_size} bytes")


def _labelled(manifest: str) -> list[Clip]:
    clips = [clip for clip in read_clips(manifest) if clip.labels]
    if not clips:
        raise ConfigError(f"{manifest}: no labels (column 'label'), and adaptation needs them")
    return clips
