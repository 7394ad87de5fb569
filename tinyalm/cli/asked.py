"""Labels that are asked for on the command line."""

from pathlib import Path

from tinyalm.errors import ConfigError
from tinyalm.label_pack import SUFFIX, LabelPack, read_label_pack
from tinyalm.labels import read_labels_file


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
