"""Proof that a teacher's graphs answer as transformers does: names, axes, figures."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tinyalm.bundle import GraphInfo, TensorInfo
from tinyalm.engine import Graph
from tinyalm.errors import ExportError
from tinyalm.frontend import log_mel
from tinyalm_export.parity import LARGEST_ERROR, LOWEST_COSINE
from tinyalm_export.teachers.manifest import AUDIO, FEATURES, TEXT, Padding, Parity
from tinyalm_export.teachers.source import TeacherSource
from tinyalm_export.teachers.towers import audio_answer, text_answer

BATCHES = (1, 3)
SHARES = (0.1, 0.2503, 0.5, 1.0)  # of a window; of published ones 1 s, an odd length, 5 s and 10 s
_LOUDNESS = (0.3, 0.02)  # of the tone and of the noise

Floats = NDArray[np.float32]


def check_interface(info: GraphInfo, source: TeacherSource) -> None:
    """Refuse a graph whose inputs or output are not the documented ones.

    Raises:
        ExportError: a name, a type or an axis is another.
    """
    spec, frames = source.spec, source.spec.frames(source.samples)
    ids = [_tensor(name, "int64", "batch", "tokens") for name in ("input_ids", "attention_mask")]
    inputs = {
        AUDIO: [_tensor("waveform", "float32", "batch", "samples")],
        FEATURES: [_tensor("log_mel", "float32", "batch", frames, spec.n_mels)],
        TEXT: ids,
    }[info.file]
    outputs = [_tensor("embedding", "float32", "batch", source.dim)]
    for given, expected in ((info.inputs, inputs), (info.outputs, outputs)):
        if given != expected:
            raise ExportError(
                f"{source.folder}: {info.file} came out with {given}, where it must have "
                f"{expected}; nothing was written: try another version of torch"
            )


def prove_audio(source: TeacherSource, audio: Graph, features: Graph) -> list[Parity]:
    """Compare both audio graphs with transformers, on four lengths and two batch sizes.

    Args:
        source: the teacher.
        audio: waveform to embedding.
        features: log-mel to embedding.

    Returns:
        A row for each graph and batch.

    Raises:
        ExportError: the tolerance is not met; the message gives the figures.
    """
    rows, spec = [], source.spec
    for waveform in _waveforms(source):
        windows = [_padded(row, source.samples, source.padding) for row in waveform]
        mels = np.stack([log_mel(window, spec) for window in windows]).astype(np.float32)
        expected = audio_answer(source.model, torch.from_numpy(mels)).numpy()
        heard = audio.run({"waveform": waveform})["embedding"]
        rows.append(_row(AUDIO, waveform.shape[1], heard, expected))
        read = features.run({"log_mel": mels})["embedding"]
        rows.append(_row(FEATURES, mels.shape[1], read, expected))
    _check(rows, source)
    return rows


def prove_text(source: TeacherSource, text: Graph) -> list[Parity]:
    """Compare the text graph with transformers, which reads every text alone and without padding.

    Args:
        source: the teacher.
        text: token ids to embedding; gets texts of unlike lengths, padded.

    Returns:
        A row for each batch.

    Raises:
        ExportError: the tolerance is not met; the message gives the figures.
    """
    draw, rows = np.random.default_rng(0), []
    pad, words = source.pad_token_id, source.model.config.text_config.vocab_size
    for tokens in sorted({2, min(9, source.max_tokens), source.max_tokens}):
        for batch in BATCHES:
            ids = draw.integers(words - 1, size=(batch, tokens))
            ids += ids >= pad  # any token but padding
            mask = np.ones_like(ids)
            expected = []
            for row in range(batch):
                length = max(1, tokens * (batch - row) // batch)
                ids[row, length:], mask[row, length:] = pad, 0
                expected.append(
                    text_answer(source.model, torch.from_numpy(ids[row, None, :length]))
                )
            given = text.run({"input_ids": ids, "attention_mask": mask})["embedding"]
            rows.append(_row(TEXT, tokens, given, torch.cat(expected).numpy()))
    _check(rows, source)
    return rows


def _tensor(name: str, dtype: str, *shape: str | int) -> TensorInfo:
    return TensorInfo(name=name, dtype=dtype, shape=list(shape))


def _waveforms(source: TeacherSource) -> Iterator[Floats]:
    """(batch, samples) of tones that swell in noise, each row another."""
    draw = np.random.default_rng(0)
    tone, noise = _LOUDNESS
    for share in SHARES:
        samples = round(share * source.samples)
        time = np.arange(samples) / source.spec.sample_rate
        for batch in BATCHES:
            pitch = draw.uniform(100, 4000, size=(batch, 1))
            sound = tone * np.sin(2 * np.pi * pitch * time) * np.linspace(0.01, 1, samples)
            yield (sound + noise * draw.normal(size=sound.shape)).astype(np.float32)


def _padded(waveform: Floats, samples: int, padding: Padding) -> Floats:
    if padding == "repeat":
        waveform = np.resize(waveform, samples)
    if padding == "repeatpad":
        waveform = np.tile(waveform, samples // waveform.size)
    return np.pad(waveform, (0, samples - waveform.size))


def _row(graph: str, length: int, given: Floats, expected: Floats) -> Parity:
    error, cosine = float("inf"), -1.0
    if given.shape == expected.shape:
        error = float(np.abs(given - expected).max())
        cosine = float((given.astype(np.float64) * expected).sum(axis=1).min())
    return Parity(
        graph=graph, batch=len(expected), length=length, max_abs_error=error, min_cosine=cosine
    )


def _check(rows: Sequence[Parity], source: TeacherSource) -> None:
    for row in rows:
        # Written so that NaN fails, too.
        if not (row.max_abs_error <= LARGEST_ERROR and row.min_cosine >= LOWEST_COSINE):
            raise ExportError(
                f"{source.folder}: {row.graph} differs from torch by {row.max_abs_error:.2g}, "
                f"cosine {row.min_cosine:.6f}, where it must be at most {LARGEST_ERROR:g} and at "
                f"least {LOWEST_COSINE:g} (batch {row.batch}, length {row.length}); nothing was "
                "written: its weights leave float32's range, or try another version of torch"
            )
