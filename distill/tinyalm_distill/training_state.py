"""The state of a training on disk: saved whole or not at all, and refused by any other training."""

import contextlib
import math
from pathlib import Path

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tinyalm.errors import DataError

_HISTORY = "history.json"


class Measurement(Struct, frozen=True):
    """Where training stood at a step: mean loss since the last one, cosine on validation."""

    step: int
    loss: float
    cosine: float


class Course(Struct):
    """How far a training is: steps done, and all measurements."""

    step: int = 0
    history: list[Measurement] = []

    @property
    def cosine(self) -> float:
        """The last validation cosine, NaN before the first."""
        return self.history[-1].cosine if self.history else math.nan

    def since_best(self) -> int:
        """Measurements since the best one."""
        cosines = [one.cosine for one in self.history]
        return len(cosines) - 1 - cosines.index(max(cosines)) if cosines else 0


def save_state(path: Path, training: str, tensors: dict[str, Tensor], course: Course) -> None:
    """Write the state of a training; ``path`` is the old one or the new one, whole.

    Raises:
        DataError: it cannot be written.
    """
    metadata = {"training": training, "course": msgspec.json.encode(course).decode()}
    partial = path.with_suffix(".partial")
    try:
        save_file(
            {name: value.cpu().contiguous() for name, value in tensors.items()}, partial, metadata
        )
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise DataError(
            f"{path}: cannot be written ({error}); make room, and go on with --resume"
        ) from None


def load_state(path: Path, training: str, tensors: dict[str, Tensor], course: Course) -> None:
    """Read the state at ``path`` into ``tensors`` and ``course``.

    Raises:
        DataError: it is damaged, or of another training.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            if metadata.get("training") != training:
                raise DataError(
                    f"{path}: the state of another recipe or other data; "
                    "resume with what it was begun with, or choose another --out"
                )
            read = msgspec.json.decode(metadata["course"], type=Course)
            with torch.no_grad():
                for name, value in tensors.items():
                    value.copy_(file.get_tensor(name))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}); remove it to start again") from None
    course.step, course.history = read.step, read.history


def write_history(folder: Path, history: list[Measurement]) -> None:
    """Leave the measurements in ``folder``, for `read_history`."""
    (folder / _HISTORY).write_bytes(msgspec.json.encode(history))


def read_history(folder: Path) -> list[Measurement]:
    """The measurements of the training that ended in the checkpoint at ``folder``.

    Raises:
        DataError: they are not there.
    """
    path = folder / _HISTORY
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Measurement])
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: no history of a training ({error})") from None
