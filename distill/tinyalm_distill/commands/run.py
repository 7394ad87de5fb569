"""`tinyalm distill run`: distils a student as a recipe says."""

import os
from pathlib import Path

import click

from tinyalm_distill.recipe_file import read_recipe


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the checkpoint.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in --out.")
def run(recipe: Path, out: Path | None, overrides: tuple[str, ...], resume: bool) -> None:
    """Distil a student as RECIPE says.

    The checkpoint goes to --out, by default build/NAME of the recipe's name. What the teacher
    answered is cached, and the training's state is saved as it goes: after an interrupt, the same
    command with --resume goes on, and ends in the same checkpoint.
    """
    plan = read_recipe(recipe, overrides)
    folder = out or Path("build") / plan.name
    from tinyalm_distill.cpu import prepare_cpu  # torch and transformers take seconds
    from tinyalm_distill.run import distil
    from tinyalm_distill.run_folder import claim
    from tinyalm_distill.teachers import open_teacher

    prepare_cpu()
    claim(folder, plan, resume=resume)
    teacher = open_teacher(plan.teacher, threads=plan.train.threads or os.cpu_count() or 1)
    outcome = distil(plan, teacher, folder, say=lambda line: click.echo(line, err=True))
    for name, value in outcome.meta.provenance.metrics.items():
        click.echo(f"{name}: {value:.4f}")
    click.echo(f"checkpoint: {folder}")
    click.echo(f"next: tinyalm export {folder} --out {folder}.tinyalm")
