"""Label packs: labels with their vectors in one file, for devices without a text tower.

The format is written down in docs/label-packs.md.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from tinyalm.errors import ConfigError, TinyalmError
from tinyalm.labels import LabelEmbeddings, check_labels, fill_template
from tinyalm.results import unit_length

SUFFIX = ".labels"
_MAGIC = b"tinyalm labels 1\n"
_REDO = "make it again with 'tinyalm labels'"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LabelPack(LabelEmbeddings):
    """Label embeddings that are a file, with where they come from.

    Attributes:
        teacher: name and revision of the teacher whose space the embeddings are in.
        tower: what read the labels, the teacher itself or a student's text side.
    """

    teacher: str
    tower: str

    def check_space(self, teacher: str, dim: int) -> None:
        """Make sure that a student of ``teacher`` with ``dim`` numbers can use the pack.

        Raises:
            ConfigError: its vectors are in another space.
        """
        if self.teacher != teacher or self.embeddings.shape[1] != dim:
            raise ConfigError(
                f"the label pack is in the space of {self.teacher} ({self.embeddings.shape[1]} "
                f"numbers), and the student in that of {teacher} ({dim}); make a pack for it"
            )

    def choose(self, labels: list[str]) -> "LabelPack":
        """The pack of these labels alone, in their order.

        Raises:
            ConfigError: a label that the pack does not hold.
        """
        if labels == self.labels:
            return self
        row_of = {label: row for row, label in enumerate(self.labels)}
        missing = [label for label in labels if label not in row_of]
        if missing:
            raise ConfigError(
                f"the label pack does not hold {missing[0]!r}, and there is no text side to read "
                "it; ask for labels of the pack or make one that holds it"
            )
        rows = [row_of[label] for label in labels]
        return replace(
            self,
            labels=labels,
            embeddings=self.embeddings[rows],
            thresholds=None if self.thresholds is None else self.thresholds[rows],
        )


class _Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON line of the file."""

    teacher: str
    tower: str
    template: str
    dim: int
    labels: list[str]
    thresholds: list[float] | None = None


def write_label_pack(path: Path, pack: LabelPack) -> None:
    """Write ``pack``, so that ``path`` is either the old or the new file, whole.

    Vectors are kept as 8-bit integers, each scaled to its largest value: their length is 1 and
    need not be kept.

    Raises:
        ConfigError: labels, template or shapes that make no sense.
    """
    names = check_labels(pack.labels)
    fill_template(pack.template, names)
    shapes = [pack.embeddings.shape[:1]]
    if pack.thresholds is not None:
        shapes.append(pack.thresholds.shape)
    if pack.embeddings.ndim != 2 or any(shape != (len(names),) for shape in shapes):
        raise ConfigError(f"{path}: {len(names)} labels need as many embeddings and thresholds")
    header = _Header(
        teacher=pack.teacher,
        tower=pack.tower,
        template=pack.template,
        dim=pack.embeddings.shape[1],
        labels=names,
        thresholds=None if pack.thresholds is None else pack.thresholds.tolist(),
    )
    peaks = np.abs(pack.embeddings).max(axis=1, keepdims=True)
    values = np.rint(pack.embeddings * (127 / np.maximum(peaks, 1e-12))).astype(np.int8)
    content = _MAGIC + msgspec.json.encode(header) + b"\n" + values.tobytes()
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content + hashlib.sha256(content).digest())
    partial.replace(path)


def read_label_pack(path: str | Path) -> LabelPack:
    """Read and verify the label pack at ``path``.

    Raises:
        ConfigError: no such file, none that is a label pack, a damaged one, or one of another
            version; the message names it.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: label pack cannot be read ({error.strerror})") from None
    magic, newline, rest = raw.partition(b"\n")
    if magic + newline != _MAGIC:
        known = magic.startswith(_MAGIC[:-2])
        what = "a label pack of another version; update tinyalm or" if known else "no label pack;"
        raise ConfigError(f"{path}: {what} {_REDO}")
    if hashlib.sha256(raw[:-32]).digest() != raw[-32:]:
        raise ConfigError(f"{path}: damaged since it was made (wrong hash); {_REDO}")
    line, _, values = rest[:-32].partition(b"\n")
    try:
        return _pack(msgspec.json.decode(line, type=_Header), values)
    except (msgspec.MsgspecError, ValueError, TinyalmError) as error:
        raise ConfigError(f"{path}: no label pack ({error}); {_REDO}") from None


def _pack(header: _Header, values: bytes) -> LabelPack:
    rows = np.frombuffer(values, np.int8).reshape(len(header.labels), header.dim)
    thresholds = header.thresholds
    if thresholds is not None and len(thresholds) != len(rows):
        raise ValueError(f"{len(thresholds)} thresholds of {len(rows)} labels")
    fill_template(header.template, header.labels)
    return LabelPack(
        labels=check_labels(header.labels),
        template=header.template,
        embeddings=unit_length(rows.astype(np.float32)),
        thresholds=None if thresholds is None else np.array(thresholds, np.float32),
        teacher=header.teacher,
        tower=header.tower,
    )
