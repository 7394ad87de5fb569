"""The int8 encoder of a bundle: by the first candidate, or by the search within a budget."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from tinyalm.frontend import log_mel
from tinyalm.labels import fill_template
from tinyalm.models.checkpoint import TOKENIZER
from tinyalm.text import Tokens
from tinyalm_export.checkpoint_input import CheckpointInput
from tinyalm_export.equalization import equalize
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.int8.clips import Clip, read_clips
from tinyalm_export.int8.held_out import HeldOut
from tinyalm_export.int8.search import Search
from tinyalm_export.int8.table import Budget, Table
from tinyalm_export.quantize import quantize_encoder

CALIBRATION = 128  # windows, and at most as many clips


@dataclass(frozen=True)
class Int8Request:
    """What int8 is asked for.

    Attributes:
        target: one of `tinyalm_export.targets.TARGETS`.
        max_drop: points of zero-shot top-1 that it may cost, which starts a search; by default
            the first candidate is taken.
        calibrate: a manifest of recordings to calibrate and measure on; by default the windows of
            the checkpoint.
        report: called with each step before it begins.
    """

    target: str = "cpu-x86"
    max_drop: float | None = None
    calibrate: Path | None = None
    report: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Int8Encoder:
    """The model, the windows that its ranges were not found on, and the search if there was one."""

    model: onnx.ModelProto
    held_out: list[NDArray[np.float32]]
    table: Table | None = None


def int8_encoder(
    source: CheckpointInput, exact: onnx.ModelProto, request: Int8Request
) -> Int8Encoder:
    """Quantize the encoder of ``source``.

    Of every two clips the first calibrates, until there are enough; all others are held out.

    Args:
        source: the checkpoint.
        exact: its encoder's graph in float.
        request: what is asked for.

    Raises:
        DataError: the manifest cannot be read.
        ExportError: none of its recordings can be used, or no int8 encoder is within the budget.
    """
    student, meta = source.student, source.student.meta
    clips = _clips(source, request)
    held_out = [clip for n, clip in enumerate(clips) if n % 2 or n >= 2 * CALIBRATION] or clips
    windows = [window for clip in clips[: 2 * CALIBRATION : 2] for window in clip.windows]
    some = np.linspace(0, len(windows) - 1, min(CALIBRATION, len(windows))).round().astype(int)
    log_mels = [log_mel(windows[n], meta.frontend).astype(np.float32) for n in some]
    heard = [window for clip in held_out for window in clip.windows]
    encoder = student.audio.encoder
    if request.max_drop is None:
        even = encoder_graph(equalize(encoder, log_mels), meta.frontend.n_mels)
        return Int8Encoder(quantize_encoder(even, log_mels, request.target), heard)
    texts = _texts(source, held_out)
    if not texts:
        request.report(
            "int8: no held-out clips with labels (--calibrate MANIFEST), so that the cosine to "
            "fp32 alone is the budget"
        )
    with tempfile.TemporaryDirectory() as folder:
        judge = HeldOut(held_out, meta.frontend, exact, texts, Path(folder))
        budget = Budget(request.max_drop)
        search = Search(encoder, meta.frontend, request.target, budget, request.report)
        model, table = search.run(log_mels, judge, exact)
    return Int8Encoder(model, heard, table)


def _clips(source: CheckpointInput, request: Int8Request) -> list[Clip]:
    if request.calibrate is None:
        return [Clip([window]) for window in source.sound]
    meta = source.student.meta
    request.report(f"int8: reading {request.calibrate}")
    return read_clips(request.calibrate, meta.windows, meta.frontend.sample_rate)


def _texts(source: CheckpointInput, clips: list[Clip]) -> dict[str, NDArray[np.float32]]:
    """The student's embedding of every label of ``clips``, in its template."""
    labels = sorted({label for clip in clips for label in clip.labels})
    if not labels:
        return {}
    student = source.student
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TOKENIZER
        path.write_bytes(source.tokenizer)
        tokens = Tokens(path, student.text.config.max_tokens)
    ids, mask = tokens(fill_template(student.meta.template, labels))
    with torch.no_grad():
        rows = student.text(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return dict(zip(labels, rows, strict=True))
