"""Labels that are asked for on the command line."""

from collections.abc import Callable
from pathlib import Path

import click

from tinyalm.errors import ConfigError
from tinyalm.label_pack import SUFFIX, LabelPack, read_label_pack
from tinyalm.labels import read_labels_file

_OPTIONS = (
    click.option("--labels", metavar="A,B,C", help="Labels, separated by commas."),
    click.option(
        "--labels-file",
        type=click.Path(path_type=Path),
        help="A file of labels, one a line, or a label pack NAME.labels.",
    ),
    click.option("--template", help="A sentence for the label: 'the sound of {}'."),
)


def label_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` --labels and --labels-file, for `asked_labels`, and --template."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asked_labels(labels: str | None, labels_file: Path | None) -> list[str] | LabelPack | None:
    """Labels of --labels and --labels-file in their order; None where neither is given.

    Raises:
        ConfigError: a file that cannot be used, or a label pack that is not alone.
    """
    if labels is None and labels_file is None:
        return None
    if labels_file is not None and labels_file.suffix == SUFFIX:
        if labels is not None:
            raise ConfigError(f"{labels_file}: a label pack is asked alone; leave out --labels")
        return read_label_pack(labels_file)
    named = labels.split(",") if labels else []
    return named + (read_labels_file(labels_file) if labels_file else [])
