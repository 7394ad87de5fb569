"""`tinyalm distill cache`: fills the cache that a distillation trains from."""

import os
from pathlib import Path

import click

from tinyalm.cache import cache_dir
from tinyalm_distill.cache import world
from tinyalm_distill.recipe_file import read_recipe


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
def cache(recipe: Path, overrides: tuple[str, ...]) -> None:
    """Compute all that `tinyalm distill run RECIPE` trains from, and keep it.

    What is there already is not computed again: after an interrupt, with further recordings or
    with another teacher, the same command computes what is missing. Under torchrun or accelerate
    launch, on one machine or on several that share the cache's folder, the processes share the
    work.
    """
    plan = read_recipe(recipe, overrides)
    from tinyalm_distill.filling import fill_cache
    from tinyalm_distill.teachers import open_teacher

    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes on this machine
    threads = plan.train.threads or max(1, (os.cpu_count() or 1) // here)
    teacher = open_teacher(plan.teacher, threads=threads)
    folder = cache_dir() / "distill"
    filled, effort = fill_cache(plan, teacher, folder, say=lambda line: click.echo(line, err=True))
    if world().rank > 0:
        return
    click.echo(
        f"cached: {len(filled.lessons)} views of {len(filled.train)} clips, "
        f"{len(filled.held_out)} clips to measure on, {len(filled.texts.phrases)} texts"
    )
    click.echo(f"took: {effort}")
    click.echo(f"cache: {folder}")
