"""The ONNX execution of `LogMelSpec`: standard operators only, so that any runtime has them.

It is a function of the model, ``tinyalm.LogMel``: runtimes that know a better kernel may put it in
the place of that one node, all others inline it. Its tables are not stored but computed in the
graph from vectors, which engines do once when they load it.

Engines without float64 get the function with another body (`tinyalm_export.float32_dft_graph`).
"""

import math
from collections.abc import Iterator

import numpy as np
import onnx
import onnx.parser

from tinyalm.frontend import LogMelSpec, mel_filters
from tinyalm_export.dft_graph import Split, cheapest_split, spectrum, used_bins
from tinyalm_export.float32_dft_graph import float32_spectrum
from tinyalm_export.frames_graph import frames
from tinyalm_export.graph_text import Constants, as_model, function_from_text, ints

FUNCTION = "LogMel"


def log_mel_graph(spec: LogMelSpec, *, float64: bool = True) -> onnx.ModelProto:
    """The graph that equals `tinyalm.frontend.log_mel` up to float32 rounding of its answer.

    Args:
        spec: the front end.
        float64: whether the DFT is computed in float64; without it, it is two products of float32
            matrices, whose accuracy docs/tensorrt.md states.

    Returns:
        A model of one node, ``tinyalm.LogMel``, with the input ``waveform`` (batch, samples)
        float32, at least one sample, or two with ``preemphasis``, and the output ``log_mel``
        (batch, frames, n_mels) float32; every recording as if it were alone.

    Raises:
        ExportError: no DFT bin lies in any mel band.
    """
    constants: Constants = {}
    if float64:
        split = cheapest_split(spec)
        lines = [
            *frames(spec, split.rows, constants),
            *spectrum(split, constants),
            *_mel(split, constants),
        ]
    else:
        constants["filters"] = mel_filters(spec)[used_bins(spec)].T.astype(np.float32)
        lines = [
            *frames(spec, spec.win_length, constants, float64=False),
            *float32_spectrum(spec, constants),
            "mel = MatMul(filters, spectrum)",
        ]
    lines += _logarithm(spec, constants)
    function = function_from_text(f"{FUNCTION} (waveform) => (log_mel)", lines, constants)
    graph = onnx.parser.parse_graph(
        f"log_mel (float[batch, samples] waveform) => (float[batch, frames, {spec.n_mels}] log_mel)"
        f" {{ log_mel = {function.domain}.{FUNCTION}(waveform) }}"
    )
    graph.node[0].name = "frontend/log_mel"
    return as_model(graph, [function])


def _mel(split: Split, constants: Constants) -> Iterator[str]:
    """``spectrum`` to ``mel`` (batch, n_mels, frames)."""
    filters = mel_filters(split.spec)[used_bins(split.spec)].T  # (n_mels, used bins)
    band, used = np.nonzero(filters)
    constants |= {
        "filters_shape": ints(split.spec.n_mels, split.bins),
        "filters_size": ints(split.spec.n_mels * split.bins),
        "weights_at": (band * split.bins + split.positions[used]).astype(np.int32),
        "weights": filters[band, used].astype(np.float32),
    }
    yield "no_filters = ConstantOfShape(filters_size)"
    yield "flat_filters = ScatterElements(no_filters, weights_at, weights)"
    yield "filters = Reshape(flat_filters, filters_shape)"
    yield "mel = MatMul(filters, spectrum)"


def _logarithm(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``mel`` to ``log_mel`` (batch, frames, n_mels)."""
    per_unit = spec.log_unit / spec.std
    numbers = {"log_scale": per_unit, "log_shift": -spec.mean / spec.std}
    level = "mel"
    if spec.log_floor > 0:
        numbers["log_floor"] = spec.log_floor
        yield f"floored = Max({level}, log_floor)"
        level = "floored"
    if spec.log_offset > 0:
        numbers["log_offset"] = spec.log_offset
        yield f"level = Add({level}, log_offset)"
        level = "level"
    yield f"natural_log = Log({level})"
    yield "scaled = Mul(natural_log, log_scale)"
    scaled = "scaled"
    if spec.top_db is not None:
        numbers["top"] = spec.top_db / 10 * math.log(10) * per_unit
        constants["recording"] = ints(1, 2)
        yield "loudest = ReduceMax(scaled, recording)"
        yield "quietest = Sub(loudest, top)"
        yield "clamped = Max(scaled, quietest)"
        scaled = "clamped"
    constants |= {name: np.array(value, np.float32) for name, value in numbers.items()}
    yield f"normalised = Add({scaled}, log_shift)"
    yield "log_mel = Transpose<perm = [0, 2, 1]>(normalised)"
