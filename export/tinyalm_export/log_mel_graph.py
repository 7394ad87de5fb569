"""The ONNX execution of `LogMelSpec`: standard operators only, so that any runtime has them.

The windowed DFT is a matrix product. Its tables are not stored but computed in the graph from
vectors, which engines do once when they load it: a 512-point front end takes 15 kB of the file
instead of 500 kB.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec, mel_filters, window
from tinyalm_export.graph_text import model_from_text

Constants = dict[str, NDArray[Any]]


def log_mel_graph(spec: LogMelSpec) -> onnx.ModelProto:
    """The graph that equals `tinyalm.frontend.log_mel` up to float32 rounding.

    Hann windows mirror around their centre, and a spectrum's magnitude does not depend on where
    its phase is counted from. Counted from the centre, the cosine part needs only the sum of a
    sample and its mirror image and the sine part only their difference, which halves the products.

    Args:
        spec: the front end.

    Returns:
        A model with the input ``waveform`` (batch, samples) float32, at least one frame long, and
        the output ``log_mel`` (batch, frames, n_mels) float32.

    Raises:
        ExportError: no DFT bin lies in any mel band.
    """
    constants: Constants = {}
    lines = [
        *_frames(spec, constants),
        *_spectrum(spec, constants),
        *_mel(spec, constants),
        *_logarithm(spec, constants),
    ]
    signature = (
        f"log_mel (float[batch, samples] waveform) => (float[batch, frames, {spec.n_mels}] log_mel)"
    )
    return model_from_text(signature, lines, constants)


def _frames(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``waveform`` to ``frames`` (batch, rows, frames): row n holds sample n of every frame.

    Rows, because then mirroring moves whole rows, and because a frame is then some neighbouring
    columns of ``hop_length`` rows, which are copied and not gathered sample by sample.
    """
    hop, length = spec.hop_length, spec.frame_length
    parts = -(-length // hop)  # blocks of hop samples that a frame touches
    constants |= {
        "zero": _ints(0),
        "hop": _ints(hop),
        "frame_length": _ints(length),
        "parts": _ints(parts),
        "whole_blocks": _ints(0, 0, 0, parts * hop - length),
        "by_block": _ints(0, -1, hop),
        "time": _ints(1),
        "columns": _ints(2),
    }
    signal = "waveform"
    if spec.center:
        signal, half = "centred", spec.n_fft // 2
        constants["centring"] = _ints(0, half, 0, half)
        yield f'centred = Pad<mode = "{spec.pad_mode}">(waveform, centring)'
    yield f"samples = Shape<start = 1>({signal})"
    yield "spare = Sub(samples, frame_length)"
    yield "last = Div(spare, hop)"
    yield "blocks = Add(last, parts)"
    yield "used = Mul(blocks, hop)"
    yield f"padded = Pad({signal}, whole_blocks)"
    yield "cut = Slice(padded, zero, used, time)"
    yield "by_row = Reshape(cut, by_block)"
    yield "by_column = Transpose<perm = [0, 2, 1]>(by_row)"
    for part in range(parts):
        constants |= {f"start_{part}": _ints(part), f"after_{part}": _ints(part + 1)}
        yield f"stop_{part} = Add(last, after_{part})"
        yield f"part_{part} = Slice(by_column, start_{part}, stop_{part}, columns)"
    yield f"frames = Concat<axis = 1>({', '.join(f'part_{part}' for part in range(parts))})"


def _spectrum(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``frames`` to ``spectrum`` (batch, bins, frames), magnitude or power of the used bins."""
    period = spec.win_length - (spec.window == "hann-symmetric")
    first = np.arange(1, period // 2 + 1)  # w[n] = w[period - n]; w[0] = 0
    weights = window(spec)[first]
    if period % 2 == 0:
        weights[-1] /= 2  # the centre is its own mirror image and is added twice
    offset = (spec.frame_length - spec.win_length) // 2
    turns = 2 * np.pi * np.arange(2 * spec.n_fft) / (2 * spec.n_fft)  # half samples from the centre
    constants |= {
        "first": _ints(offset + 1),
        "middle": _ints(offset + 1 + first.size),
        "mirrored": offset + period - first,
        "half_samples": (period - 2 * first)[None],
        "bins": _used_bins(spec)[:, None],
        "full_turn": _ints(2 * spec.n_fft),
        "cosine_table": np.cos(turns).astype(np.float32),
        "sine_table": np.sin(turns).astype(np.float32),
        "window": weights.astype(np.float32),
    }
    yield "phase = Mul(bins, half_samples)"
    yield "turn = Mod(phase, full_turn)"
    for part in ("cosine", "sine"):
        yield f"{part}_wave = Gather({part}_table, turn)"
        yield f"{part} = Mul({part}_wave, window)"
    yield "ahead = Slice(frames, first, middle, time)"
    yield "behind = Gather<axis = 1>(frames, mirrored)"
    yield "even = Add(ahead, behind)"
    yield "odd = Sub(ahead, behind)"
    yield "real = MatMul(cosine, even)"
    yield "imaginary = MatMul(sine, odd)"
    yield "real_power = Mul(real, real)"
    yield "imaginary_power = Mul(imaginary, imaginary)"
    if spec.power == 1:
        yield "power = Add(real_power, imaginary_power)"
        yield "spectrum = Sqrt(power)"
    else:
        yield "spectrum = Add(real_power, imaginary_power)"


def _mel(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``spectrum`` to ``mel`` (batch, n_mels, frames).

    Triangles that start where the last but one ends: a bin lies in at most two neighbouring bands,
    so that three vectors hold the whole filter bank.
    """
    filters = mel_filters(spec)[_used_bins(spec)]  # (bins, n_mels)
    rows = np.arange(len(filters))
    lower = (filters > 0).argmax(axis=1)
    upper = np.minimum(lower + 1, spec.n_mels - 1)
    upper_weight = np.where(upper > lower, filters[rows, upper], 0.0)
    constants |= {
        "bands": np.arange(spec.n_mels)[:, None],
        "lower_band": lower,
        "upper_band": upper,
        "lower_weight": filters[rows, lower].astype(np.float32),
        "upper_weight": upper_weight.astype(np.float32),
        "nothing": np.zeros(1, np.float32),
    }
    for side in ("lower", "upper"):
        yield f"{side}_here = Equal(bands, {side}_band)"
        yield f"{side}_filters = Where({side}_here, {side}_weight, nothing)"
    yield "filters = Add(lower_filters, upper_filters)"
    yield "mel = MatMul(filters, spectrum)"


def _logarithm(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``mel`` to ``log_mel`` (batch, frames, n_mels)."""
    base = {"natural": 1.0, "log10": math.log(10.0), "db": math.log(10.0) / 10.0}[spec.log]
    constants |= {
        "log_scale": np.array(1.0 / (base * spec.std), np.float32),
        "log_shift": np.array(-spec.mean / spec.std, np.float32),
    }
    level = "mel"
    if spec.log_floor > 0:
        constants["log_floor"] = np.array(spec.log_floor, np.float32)
        yield f"floored = Max({level}, log_floor)"
        level = "floored"
    if spec.log_offset > 0:
        constants["log_offset"] = np.array(spec.log_offset, np.float32)
        yield f"level = Add({level}, log_offset)"
        level = "level"
    yield f"natural_log = Log({level})"
    yield "scaled = Mul(natural_log, log_scale)"
    yield "normalised = Add(scaled, log_shift)"
    yield "log_mel = Transpose<perm = [0, 2, 1]>(normalised)"


def _used_bins(spec: LogMelSpec) -> NDArray[np.int64]:
    """Indices of the DFT bins between the first and the last that any band weighs."""
    used = np.flatnonzero(mel_filters(spec).any(axis=1))
    if not used.size:
        raise ExportError(
            f"no bin of a {spec.n_fft}-point DFT at {spec.sample_rate} Hz lies between "
            f"{spec.f_min:g} and {spec.f_max:g} Hz; widen the front end's bands or raise n_fft"
        )
    return np.arange(used[0], used[-1] + 1)


def _ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)
