"""Static quantization by nncf, an optional extra."""

import contextlib
import io
import logging
import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from tinyalm_export.graph_text import as_model
from tinyalm_export.int8.static import raw, start
from tinyalm_export.targets import Target

_SWITCH = "NNCF_CI"


def installed() -> bool:
    """Whether nncf is."""
    return find_spec("nncf") is not None


def quantize_by_nncf(
    encoder: onnx.ModelProto, log_mels: Sequence[NDArray[np.float32]], target: Target
) -> onnx.ModelProto:
    """Quantize ``encoder`` by `nncf.quantize` with its fast bias correction.

    Args:
        encoder: as `tinyalm_export.graphs.encoder_graph` makes it.
        log_mels: calibration inputs, each (frames, n_mels) float32; at least one.
        target: signs, zero points, bits, and what stays in float.

    Returns:
        The quantized model, with the same inputs and outputs.
    """
    with _silent():
        import nncf
        from nncf.common.quantization.structs import QuantizationScheme
        from nncf.quantization.advanced_parameters import (
            AdvancedQuantizationParameters,
            OverflowFix,
            QuantizationParameters,
        )

        schemes = QuantizationScheme
        activations = QuantizationParameters(
            mode=schemes.SYMMETRIC if target.symmetric else schemes.ASYMMETRIC,
            per_channel=False,  # ONNX Runtime's depthwise layers take one scale
        )
        in_float = set(start(encoder.graph, target))
        ignored = [
            node.name
            for node in encoder.graph.node
            if node.name in in_float and node.op_type in target.operators
        ]
        model = nncf.quantize(
            as_model(encoder.graph),
            nncf.Dataset([{"log_mel": log_mel[None]} for log_mel in log_mels]),
            subset_size=len(log_mels),
            target_device=nncf.TargetDevice.CPU,
            ignored_scope=nncf.IgnoredScope(names=ignored),
            advanced_parameters=AdvancedQuantizationParameters(
                overflow_fix=OverflowFix.ENABLE if target.seven_bits else OverflowFix.DISABLE,
                activations_quantization_params=activations,
            ),
        )
    graph = model.graph
    del graph.value_info[:]
    _set_signs(graph, np.dtype(np.int8 if target.signed else np.uint8))
    if target.integer_biases:
        _round_biases(graph)
    return as_model(raw(graph))


def _set_signs(graph: onnx.GraphProto, wanted: np.dtype[Any]) -> None:
    """Make all activations signed or unsigned, which moves their zero points alone.

    nncf mixes both, and ONNX Runtime has no layer from the one to the other.
    """
    zeros = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in zeros:
            zero = zeros[node.input[2]]
            value = numpy_helper.to_array(zero)
            if value.dtype != wanted:
                moved = value.astype(int) + (128 if wanted == np.uint8 else -128)
                zero.CopyFrom(numpy_helper.from_array(moved.astype(wanted), zero.name))


def _round_biases(graph: onnx.GraphProto) -> None:
    """Make biases 32-bit integers, scaled as the sums that they are added to.

    nncf leaves them in float, and ONNX Runtime then fuses none of the layers.
    """
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    rounded = {n.output[0]: n for n in graph.node if n.op_type == "DequantizeLinear"}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type in ("Conv", "Gemm") and len(node.input) > 2:
            heard, weights = (rounded.get(name) for name in node.input[:2])
            if heard and weights and node.input[2] in values:
                scale = values[heard.input[1]] * values[weights.input[1]].ravel()
                graph.node.append(_rounded_bias(graph, node, values[node.input[2]], scale))
        graph.node.append(node)


def _rounded_bias(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    bias: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> onnx.NodeProto:
    """What gives the layer ``node`` its bias back; ``scale`` is one, or one a channel."""
    name = f"{node.input[2]}/int32"
    scale = np.broadcast_to(scale, bias.shape).astype(np.float32)
    integers = np.rint(bias / scale).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
    graph.initializer.append(numpy_helper.from_array(integers, name))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}/scale"))
    made = helper.make_node(
        "DequantizeLinear", [name, f"{name}/scale"], [f"{name}/float"], name, axis=0
    )
    node.input[2] = made.output[0]
    return made


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep nncf from reporting to its makers, and from printing its progress."""
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1"  # read at its import: without it, usage goes to Google Analytics
    logging.getLogger("nncf").setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ[_SWITCH]
        else:
            os.environ[_SWITCH] = before
