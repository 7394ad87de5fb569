"""int8: the encoder by static calibration, the text side by its weights alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnxscript import ir
from onnxscript.rewriter import rewrite
from onnxscript.rewriter.pattern import RewriteRule

from tinyalm_export.graph_text import as_model
from tinyalm_export.int8.static import find_ranges, quantize
from tinyalm_export.targets import TARGETS


def quantize_encoder(
    encoder: onnx.ModelProto, log_mels: Sequence[NDArray[np.float32]], target: str = "cpu-x86"
) -> onnx.ModelProto:
    """Quantize ``encoder`` to 8-bit integers, with the ranges that ``log_mels`` show.

    Args:
        encoder: as `tinyalm_export.graphs.encoder_graph` makes it.
        log_mels: calibration inputs, each (frames, n_mels) float32; at least one.
        target: one of `tinyalm_export.targets.TARGETS`.

    Returns:
        The quantized model, with the same inputs and outputs; see `int8.static.quantize`.
    """
    return quantize(encoder, find_ranges(encoder, log_mels), TARGETS[target])


def quantize_text(text: onnx.ModelProto) -> onnx.ModelProto:
    """Store the weights of ``text`` as 8-bit integers with one scale a row; compute in float.

    A lookup converts the rows that it takes, never the whole table; other matrices become float
    once, when an engine loads the graph. A table that was trained for 4 bits takes 4.

    Args:
        text: as `tinyalm_export.graphs.text_graph` makes it.

    Returns:
        The model with smaller weights.
    """
    model: onnx.ModelProto = rewrite(text, _WEIGHT_RULES)
    for node in model.graph.node:
        node.name = node.name if "/" in node.name else node.output[0]
    return as_model(model.graph)


def int8_rows(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize each row symmetrically to its largest value.

    Args:
        weights: (rows, columns) float32.

    Returns:
        values: (rows, columns) int8 within -127 and 127.
        scales: (rows,) float32, ``weights ~ values * scales[:, None]``; 1 for a row of zeros.
    """
    scales = (np.abs(weights).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1.0
    return np.rint(weights / scales[:, None]).astype(np.int8), scales


def int4_rows(weights: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize each row to 15 levels and pack two of them into a byte.

    Args:
        weights: (rows, columns) float32, an even number of columns.

    Returns:
        packed: (rows, columns / 2) uint8; the high half of byte ``i`` is column ``i``, the low half
            column ``columns / 2 + i``, both plus 8.
        scales: (rows,) float32, ``weights ~ levels * scales[:, None]``; 1 for a row of zeros.
    """
    levels, scales = _levels(weights)
    high, low = np.split((levels + 8).astype(np.uint8), 2, axis=1)
    return high * 16 + low, scales


def _levels(weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scales = (np.abs(weights).max(axis=1) / 7).astype(np.float32)
    scales[scales == 0] = 1.0
    return np.rint(weights / scales[:, None]), scales


# onnxscript hands `op`, a builder, and the matched values by the names of the arguments.


def _lookup(op: Any, table: Any, ids: Any) -> Any:  # noqa: ANN401
    return op.Gather(table, ids)


def _int8_lookup(op: Any, table: Any, ids: Any) -> Any:  # noqa: ANN401
    name = table.name
    values, scales = int8_rows(table.const_value.numpy())
    values, scales = _constant(op, f"{name}.int8", values), _constant(op, f"{name}.scales", scales)
    rows = op.Gather(values, ids, _outputs=[f"{name}.int8_rows"])
    wide = op.Cast(rows, to=TensorProto.FLOAT, _outputs=[f"{name}.rows"])
    row_scales = op.Gather(scales, ids, _outputs=[f"{name}.row_scales"])
    last_axis = _constant(op, f"{name}.last_axis", np.array([-1]))
    column = op.Unsqueeze(row_scales, last_axis, _outputs=[f"{name}.scale_column"])
    return op.Mul(wide, column)


def _int4_lookup(op: Any, table: Any, ids: Any) -> Any:  # noqa: ANN401
    name = table.name
    packed, scales = int4_rows(table.const_value.numpy())
    packed, scales = _constant(op, f"{name}.int4", packed), _constant(op, f"{name}.scales", scales)
    bytes_ = op.Gather(packed, ids, _outputs=[f"{name}.int4_rows"])
    # In float arithmetic, which every engine has: ONNX's own 4-bit types begin at opset 21.
    both = op.Cast(bytes_, to=TensorProto.FLOAT, _outputs=[f"{name}.both"])
    sixteen = _constant(op, f"{name}.sixteen", np.array([16], np.float32))
    high = op.Floor(op.Div(both, sixteen, _outputs=[f"{name}.shifted"]), _outputs=[f"{name}.high"])
    above = op.Mul(high, sixteen, _outputs=[f"{name}.above"])
    low = op.Sub(both, above, _outputs=[f"{name}.low"])
    levels = op.Concat(high, low, axis=-1, _outputs=[f"{name}.levels"])
    eight = _constant(op, f"{name}.eight", np.array([8], np.float32))
    wide = op.Sub(levels, eight, _outputs=[f"{name}.rows"])
    row_scales = op.Gather(scales, ids, _outputs=[f"{name}.row_scales"])
    last_axis = _constant(op, f"{name}.last_axis", np.array([-1]))
    return op.Mul(wide, op.Unsqueeze(row_scales, last_axis, _outputs=[f"{name}.scale_column"]))


def _projection(op: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: ANN401
    return op.Gemm(x, weight, bias, transB=1, _allow_other_attributes=True)


def _int8_projection(op: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: ANN401
    name = weight.name
    values, scales = int8_rows(weight.const_value.numpy())
    values = _constant(op, f"{name}.int8", values)
    wide = op.Cast(values, to=TensorProto.FLOAT, _outputs=[f"{name}.rows"])
    column = _constant(op, f"{name}.scales", scales[:, None])
    return op.Gemm(x, op.Mul(wide, column, _outputs=[f"{name}.float"]), bias, transB=1)


def _product(op: Any, x: Any, weight: Any) -> Any:  # noqa: ANN401
    return op.MatMul(x, weight)


def _int8_product(op: Any, x: Any, weight: Any) -> Any:  # noqa: ANN401
    name = weight.name
    values, scales = int8_rows(weight.const_value.numpy().T)  # one scale an output, as above
    values = _constant(op, f"{name}.int8", np.ascontiguousarray(values.T))
    wide = op.Cast(values, to=TensorProto.FLOAT, _outputs=[f"{name}.rows"])
    scales = _constant(op, f"{name}.scales", scales)
    return op.MatMul(x, op.Mul(wide, scales, _outputs=[f"{name}.float"]))


def _constant(op: Any, name: str, values: NDArray[Any]) -> Any:  # noqa: ANN401
    return op.initializer(ir.tensor(values), name)


def _has_weights(_: Any, table: Any = None, weight: Any = None, **__: Any) -> bool:  # noqa: ANN401
    constant = (table if weight is None else weight).const_value
    return constant is not None and len(constant.shape) == 2 and constant.dtype.name == "FLOAT"


def _has_levels(context: Any, table: Any, **_: Any) -> bool:  # noqa: ANN401
    """Whether the table's rows are what 4 bits hold, as training for 4 bits leaves them."""
    if not _has_weights(context, table=table) or table.const_value.shape[1] % 2:
        return False
    levels, scales = _levels(table.const_value.numpy())
    return bool(np.allclose(levels * scales[:, None], table.const_value.numpy(), atol=1e-6))


_WEIGHT_RULES = [
    RewriteRule(_lookup, _int4_lookup, _has_levels),
    RewriteRule(_lookup, _int8_lookup, _has_weights),
    RewriteRule(_projection, _int8_projection, _has_weights),
    RewriteRule(_product, _int8_product, _has_weights),
]
