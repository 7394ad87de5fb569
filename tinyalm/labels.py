"""Label lists: what a recording is asked about."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class LabelEmbeddings:
    """Labels with their text embeddings, made once and scored against many recordings.

    Attributes:
        labels: n labels, as they were asked.
        template: the sentence that each was put into before it was embedded.
        embeddings: (n, dim) float32, unit length.
        thresholds: (n,) float32, the cosine below which a label is not answered; None for none.
    """

    labels: list[str]
    template: str
    embeddings: NDArray[np.float32]
    thresholds: NDArray[np.float32] | None = None


def check_labels(labels: Iterable[str]) -> list[str]:
    """The labels without the white space around them, in their order.

    Raises:
        ConfigError: no label, a blank one, one that is no text, or one that stands there twice.
    """
    if isinstance(labels, str):
        raise ConfigError(f"labels is the one text {labels!r}; give a list of texts")
    checked: dict[str, int] = {}
    for number, label in enumerate(labels, 1):
        if not isinstance(label, str):
            raise ConfigError(f"label {number} is {label!r}, which is no text; write it in words")
        text = label.strip()
        if not text:
            raise ConfigError(f"label {number} is blank; give it words or leave it out")
        if text in checked:
            raise ConfigError(
                f"label {text!r} is there twice, as number {checked[text]} and number {number}; "
                "keep one"
            )
        checked[text] = number
    if not checked:
        raise ConfigError("the list of labels is empty; give at least one")
    return list(checked)


def read_labels_file(path: Path) -> list[str]:
    """Labels from a file of one a line; blank lines and lines that start with ``#`` do not count.

    Raises:
        ConfigError: the file is missing, cannot be read as UTF-8, or holds no label, a blank or a
            double one; the message names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: labels cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: labels are not UTF-8 (byte {error.start}); save the file as UTF-8"
        ) from None
    lines = (line.strip() for line in text.splitlines())
    try:
        return check_labels(line for line in lines if line and not line.startswith("#"))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def fill_template(template: str, labels: Iterable[str]) -> list[str]:
    """Each label put into ``template`` where it says ``{}``.

    Raises:
        ConfigError: the template does not hold exactly one ``{}``.
    """
    if template.count("{}") != 1:
        raise ConfigError(
            f"template {template!r} must hold {{}} once, where the label goes, "
            "as in 'the sound of {}'"
        )
    return [template.replace("{}", label) for label in labels]
