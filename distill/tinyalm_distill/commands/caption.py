"""`tinyalm distill caption`: trains a captioner as a recipe says."""

import os
from pathlib import Path

import click

from tinyalm_distill.captioning.recipe import CaptionRecipe
from tinyalm_distill.recipe_file import read_as


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the checkpoint.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in --out.")
def caption(recipe: Path, out: Path | None, overrides: tuple[str, ...], resume: bool) -> None:
    """Teach a captioner to say the sentence whose embedding it is given, as RECIPE says.

    It learns from text alone, or from captioned clips (data.pairs) as well. The checkpoint goes to
    --out, by default build/NAME of the recipe's name. The training's state is saved as it goes:
    after an interrupt, the same command with --resume goes on, and ends in the same checkpoint.
    """
    plan = read_as(CaptionRecipe, recipe, overrides)
    folder = out or Path("build") / plan.name
    from tinyalm_distill.captioning.making import make_captioner  # torch takes seconds
    from tinyalm_distill.cpu import prepare_cpu
    from tinyalm_distill.run_folder import claim
    from tinyalm_distill.teachers import open_teacher

    prepare_cpu()
    claim(folder, plan, resume=resume)
    teacher = open_teacher(plan.teacher, threads=plan.train.threads or os.cpu_count() or 1)
    meta = make_captioner(plan, teacher, folder, say=lambda line: click.echo(line, err=True))
    for name, value in meta.metrics.items():
        click.echo(f"{name}: {value:.4f}")
    click.echo(f"captioner: {folder}")
    click.echo(f"next: tinyalm export STUDENT --captioner {folder} --out NAME.tinyalm")
