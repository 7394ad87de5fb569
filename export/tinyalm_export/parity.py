"""Proof that an exported graph answers as the student in torch does, on real sound."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tinyalm.bundle import ParityRow
from tinyalm.engine import Arrays, Graph
from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec, log_mel
from tinyalm.models.audio import AudioStudent
from tinyalm.models.text import TextStudent
from tinyalm.windows import WindowRule

BATCHES = (1, 4)
LONG_S = 10.0  # longer than the windows that students are taught with
LARGEST_ERROR, LOWEST_COSINE = 1e-4, 0.9999  # of fp32, for any single embedding
_CLOSE = {"fp32": (LARGEST_ERROR, LOWEST_COSINE), "fp16": (1e-2, 0.999)}
INT8_MEAN_COSINE = 0.98

Sound = Sequence[NDArray[np.float32]]


def audio_parity(
    student: AudioStudent, graph: Graph, sound: Sound, rule: WindowRule
) -> list[ParityRow]:
    """Compare ``graph`` with ``student`` on four lengths and two batch sizes.

    Args:
        student: in evaluation mode.
        graph: its export.
        sound: (samples,) float32 recordings that the inputs are cut from.
        rule: its ``min_s`` and ``length_s`` are two of the lengths.

    Returns:
        A row for each shape of input.
    """
    rows = []
    for waveform in _waveforms(sound, rule, student.frontend.spec.sample_rate):
        with torch.no_grad():
            expected = student(torch.from_numpy(waveform)).numpy()
        error, cosine = _distance(graph.run({"waveform": waveform})["embedding"], expected)
        batch, samples = waveform.shape
        rows.append(ParityRow(batch=batch, samples=samples, max_abs_error=error, min_cosine=cosine))
    return rows


def features_parity(
    features: Graph, graph: Graph, spec: LogMelSpec, sound: Sound, rule: WindowRule
) -> list[tuple[float, float]]:
    """Compare two graphs, one fed with log-mels of the reference and one with their waveforms.

    Args:
        features: log-mel to embedding.
        graph: waveform to embedding.
        spec: the front end.
        sound: as for `audio_parity`.
        rule: likewise.

    Returns:
        Largest absolute error and lowest cosine of each batch, of the shapes of `audio_parity`.
    """
    rows = []
    for waveform in _waveforms(sound, rule, spec.sample_rate):
        log_mels = np.stack([log_mel(row, spec) for row in waveform]).astype(np.float32)
        given = features.run({"log_mel": log_mels})["embedding"]
        rows.append(_distance(given, graph.run({"waveform": waveform})["embedding"]))
    return rows


def text_parity(student: TextStudent, graph: Graph) -> list[tuple[float, float]]:
    """Compare ``graph`` with ``student`` on two lengths and two batch sizes of random tokens.

    Args:
        student: in evaluation mode.
        graph: its export.

    Returns:
        Largest absolute error and lowest cosine of each batch.
    """
    rng = np.random.default_rng(0)
    rows = []
    for tokens in sorted({1, student.config.max_tokens}):
        for batch in BATCHES:
            ids = rng.integers(student.config.vocabulary, size=(batch, tokens))
            mask = np.ones_like(ids)
            mask[batch // 2 :, 1 + tokens // 2 :] = 0
            inputs: Arrays = {"input_ids": ids, "attention_mask": mask}
            with torch.no_grad():
                expected = student(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
            rows.append(_distance(graph.run(inputs)["embedding"], expected))
    return rows


def check_parity(
    graph: str, precision: str, rows: Sequence[tuple[float, float]], *, to: str = "torch"
) -> None:
    """Refuse a graph that is not the student.

    Args:
        graph: what the message calls it.
        precision: ``fp32``, ``fp16`` or ``int8``.
        rows: largest absolute error and lowest cosine of each batch.
        to: what it was compared with.

    Raises:
        ExportError: the tolerance of ``precision`` is not met; the message gives the figures.
    """
    error, cosine = max(row[0] for row in rows), min(row[1] for row in rows)
    mean = float(np.mean([row[1] for row in rows]))
    if precision in _CLOSE:
        largest, lowest = _CLOSE[precision]
        same = error <= largest and cosine >= lowest
        asked = f"at most {largest:g} and at least {lowest:g}"
        found = f"differs from {to} by {error:.2g}, cosine {cosine:.6f}"
    else:
        same = mean >= INT8_MEAN_COSINE
        asked = f"at least {INT8_MEAN_COSINE:g}"
        found = f"has a mean cosine to {to} of {mean:.4f}"
    if not same:
        raise ExportError(
            f"the {precision} {graph} {found} where it must be {asked}; nothing was written. "
            "Distil the student longer, or export it with another --precision"
        )


def cosines(reference: Graph, graph: Graph, sound: Sound) -> NDArray[np.float64]:
    """Cosine between the embeddings of two graphs for each window of ``sound``.

    Args:
        reference: with the input ``waveform`` and the output ``embedding``.
        graph: likewise.
        sound: windows, each (samples,) float32.

    Returns:
        (windows,) float64.
    """
    inputs: list[Arrays] = [{"waveform": window[None]} for window in sound]
    pairs = ((graph.run(i)["embedding"], reference.run(i)["embedding"]) for i in inputs)
    return np.concatenate([_cosine(given, expected) for given, expected in pairs])


def _waveforms(sound: Sound, rule: WindowRule, rate: int) -> Iterator[NDArray[np.float32]]:
    """(batch, samples) of every batch size and length that graphs are compared on."""
    shortest, window = round(rule.min_s * rate), round(rule.length_s * rate)
    odd = (shortest + window) // 2 | 1
    for samples in sorted({shortest, odd, window, round(LONG_S * rate)}):
        for batch in BATCHES:
            yield np.resize(np.concatenate(sound), (batch, samples))


def _distance(given: NDArray[np.float32], expected: NDArray[np.float32]) -> tuple[float, float]:
    if given.shape != expected.shape:
        return float("inf"), -1.0
    error = float(np.abs(given - expected).max())
    return error, float(_cosine(given, expected).min())


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosines of rows, which are of unit length."""
    return np.asarray((a.astype(np.float64) * b).sum(axis=1))
