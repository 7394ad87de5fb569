"""The checkpoint: the folder that distillation leaves and export reads (docs/checkpoint.md).

student.json          everything but the weights
student.safetensors   weights, named ``audio.…`` and ``text.…``
tokenizer.json        of the text side
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tinyalm.bundle import Calibration, Provenance
from tinyalm.errors import DataError, TinyalmError
from tinyalm.frontend import LogMelSpec
from tinyalm.models.audio import AudioStudent
from tinyalm.models.shapes import AudioStudentConfig
from tinyalm.models.text import TextStudentConfig, text_student
from tinyalm.windows import WindowRule

FORMAT_VERSION = 2
META, WEIGHTS = "student.json", "student.safetensors"
TOKENIZER, CALIBRATION = "tokenizer.json", "calibration.safetensors"


class StudentMeta(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `student.json`."""

    format_version: int = FORMAT_VERSION
    name: str
    frontend: LogMelSpec
    windows: WindowRule
    audio: AudioStudentConfig
    text: TextStudentConfig
    labels: list[str] = []
    template: str = "{}"
    calibration: Calibration | None = None
    provenance: Provenance


class Student(nn.Module):
    """Both towers of a student."""

    def __init__(self, meta: StudentMeta) -> None:
        """Build the towers that ``meta`` describes, with random weights."""
        super().__init__()
        self.meta = meta
        self.audio = AudioStudent(meta.audio, meta.frontend)
        self.text = text_student(meta.text)


def save_student(
    folder: Path,
    meta: StudentMeta,
    weights: dict[str, Tensor],
    tokenizer: str,
    calibration: Sequence[NDArray[np.float32]],
) -> None:
    """Write a checkpoint into ``folder``, `student.json` last: with it the checkpoint is whole.

    Args:
        folder: made if need be.
        meta: what the student is.
        weights: the state of a `Student`.
        tokenizer: the JSON of a `tokenizers.Tokenizer`.
        calibration: validation windows, each (samples,) float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    windows = {f"{i:05d}": w.astype(np.float16) for i, w in enumerate(calibration)}
    encoded = msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n"
    _replace(folder / WEIGHTS, lambda path: save_file(weights, path))
    _replace(folder / CALIBRATION, lambda path: safetensors_numpy.save_file(windows, path))
    _replace(folder / TOKENIZER, lambda path: path.write_text(tokenizer, encoding="utf-8"))
    _replace(folder / META, lambda path: path.write_bytes(encoded))


def load_student(folder: Path) -> Student:
    """Read the checkpoint in ``folder``, in evaluation mode.

    Raises:
        DataError: no checkpoint, another version, or weights that do not fit it exactly.
    """
    path = folder / META
    try:
        meta = msgspec.json.decode(path.read_bytes(), type=StudentMeta)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{folder}: no finished checkpoint here ({META} is missing); "
            "make one with 'tinyalm distill run RECIPE'"
        ) from None
    except (msgspec.MsgspecError, TinyalmError, OSError) as error:
        raise DataError(f"{path}: not a student ({error}); distil it again") from None
    if meta.format_version != FORMAT_VERSION:
        raise DataError(
            f"{path}: checkpoint version {meta.format_version}, and this tinyalm reads "
            f"{FORMAT_VERSION}; use the tinyalm that made it or distil it again"
        )
    student = Student(meta)
    try:
        student.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{folder / WEIGHTS}: cannot be loaded ({reason}); distil it again"
        ) from None
    return student.eval()


def load_calibration(folder: Path) -> list[NDArray[np.float32]]:
    """The validation windows of the checkpoint in ``folder``, each (samples,) float32.

    Raises:
        DataError: they are missing or damaged.
    """
    path = folder / CALIBRATION
    try:
        windows = safetensors_numpy.load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: cannot be loaded ({error}); distil the student again") from None
    return [windows[name].astype(np.float32) for name in sorted(windows)]


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that ``path`` is either the old or the new one, whole."""
    partial = path.with_name(f".{path.name}.partial")
    write(partial)
    partial.replace(path)
