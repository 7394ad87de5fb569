"""The student that a command answers with: its options, and the model they name."""

from collections.abc import Callable
from pathlib import Path

import click

from tinyalm.cli.policy_options import given_policy, policy_options
from tinyalm.model import Model, load
from tinyalm.shipped import DEFAULT

Command = Callable[..., None]

bundle_option = click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    envvar="TINYALM_BUNDLE",
    show_envvar=True,
    help=f"The student: a folder NAME.tinyalm; {DEFAULT}, which comes with tinyalm, by default.",
)
threads_option = click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
_adapter_option = click.option(
    "--adapter",
    "adapters",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Answer with this adapter, too: of 'tinyalm learn' or 'tinyalm distill adapt'.",
)


def model_options(command: Command) -> Command:
    """Give ``command`` the options that `load_model` takes, and those of the policy."""
    return bundle_option(_adapter_option(threads_option(policy_options(command))))


def load_model(bundle: Path | None, adapters: tuple[Path, ...], threads: int) -> Model:
    """The student with its adapters.

    Raises:
        TinyalmError: as `tinyalm.load` and `tinyalm.Model.attach` do.
    """
    model = load(bundle, threads=threads, policy=given_policy())
    for adapter in adapters:
        model.attach(adapter)
    return model
