"""What is read from a checkpoint for export, and refused where it cannot be exported."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tinyalm.errors import DataError, ExportError
from tinyalm.models.checkpoint import (
    CALIBRATION,
    TOKENIZER,
    WEIGHTS,
    Student,
    load_calibration,
    load_student,
)

SILENCE = 1e-3  # peak below which a window says nothing about a student's activations: -60 dBFS


@dataclass(frozen=True)
class CheckpointInput:
    """A whole and sound checkpoint.

    Attributes:
        student: in evaluation mode.
        tokenizer: the content of its tokenizer file.
        sound: its calibration windows, each (samples,) float32, none of them silent.
    """

    student: Student
    tokenizer: bytes
    sound: list[NDArray[np.float32]]


def read_checkpoint(folder: Path) -> CheckpointInput:
    """Read the checkpoint in ``folder``.

    Raises:
        DataError: no checkpoint, a damaged one, or one of another version.
        ExportError: weights that are no numbers, a tokenizer that does not fit the text side, or
            calibration windows without sound; the message names what is wrong.
    """
    student = load_student(folder)
    for name, values in student.state_dict().items():
        if not torch.isfinite(values).all():
            raise ExportError(
                f"{folder / WEIGHTS}: {name} holds NaN or infinity, so the training diverged; "
                "distil again with a lower learning rate"
            )
    tokenizer = _tokenizer(folder / TOKENIZER, student.meta.text.vocabulary)
    return CheckpointInput(student, tokenizer, _sound(folder))


def audible(windows: Iterable[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Those of ``windows``, each (samples,) float32, that are not silent."""
    return [window for window in windows if np.abs(window).max(initial=0.0) >= SILENCE]


def _tokenizer(path: Path, vocabulary: int) -> bytes:
    try:
        content = path.read_bytes()
        size = Tokenizer.from_str(content.decode()).get_vocab_size()
    except Exception as error:  # the library raises nothing more precise
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a tokenizer ({reason}); distil the student again") from None
    if size > vocabulary:
        raise ExportError(
            f"{path}: has {size} tokens, and the student knows {vocabulary}; "
            "put the tokenizer of its own distillation there"
        )
    return content


def _sound(folder: Path) -> list[NDArray[np.float32]]:
    path = folder / CALIBRATION
    windows = load_calibration(folder)
    if not all(np.isfinite(window).all() for window in windows):
        raise ExportError(f"{path}: holds samples that are no numbers; distil the student again")
    heard = audible(windows)
    if not heard:
        what = f"all {len(windows)} windows are silent" if windows else "holds no windows"
        raise ExportError(
            f"{path}: {what}, and an export is proven on real sound; "
            "distil again with validation clips that can be heard"
        )
    return heard
