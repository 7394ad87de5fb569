"""The command groups `tinyalm distill` and `tinyalm eval`."""

import click

from tinyalm_distill.commands.adapt import adapt
from tinyalm_distill.commands.background import background
from tinyalm_distill.commands.cache import cache
from tinyalm_distill.commands.caption import caption
from tinyalm_distill.commands.cut import cut
from tinyalm_distill.commands.dataset import dataset
from tinyalm_distill.commands.dedup import dedup
from tinyalm_distill.commands.describe import describe
from tinyalm_distill.commands.eval_caption import caption as eval_caption
from tinyalm_distill.commands.eval_suite import suite
from tinyalm_distill.commands.eval_training import finetune, probe
from tinyalm_distill.commands.evaluate import calibration, order, retrieval, zero_shot
from tinyalm_distill.commands.gather import gather
from tinyalm_distill.commands.labels import labels
from tinyalm_distill.commands.pull import pull
from tinyalm_distill.commands.report import report
from tinyalm_distill.commands.run import run
from tinyalm_distill.commands.teach import teach


@click.group()
def distill() -> None:
    """Teach a small student what a large teacher knows."""


@click.group()
def evaluate() -> None:
    """Measure teachers and students on recordings with labels."""


for command in (
    adapt,
    background,
    cache,
    caption,
    cut,
    dataset,
    dedup,
    describe,
    gather,
    labels,
    pull,
    run,
    teach,
):
    distill.add_command(command)
for command in (
    zero_shot,
    retrieval,
    probe,
    finetune,
    order,
    calibration,
    eval_caption,
    suite,
    report,
):
    evaluate.add_command(command)
