"""ONNX graphs written as text, so that they can be read as what they compute."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# Opset 18 is the lowest with reductions over axes given as input; TensorRT 10 and ONNX Runtime
# 1.20 read it, and IR version 10 is the newest that the latter knows.
OPSET = 18
IR_VERSION = 10


def model_from_text(
    signature: str, lines: Sequence[str], constants: Mapping[str, NDArray[Any]]
) -> onnx.ModelProto:
    """Build a model of opset `OPSET`.

    Args:
        signature: ``name (float[batch, samples] x) => (float[batch, 3] y)``.
        lines: nodes in ONNX's text syntax, ``y = Concat<axis = 1>(a, b)``; a node is named after
            its first output.
        constants: initializers by name.

    Returns:
        The model, checked against the ONNX specification.
    """
    graph = onnx.parser.parse_graph(f"{signature} {{\n" + "\n".join(lines) + "\n}")
    for node in graph.node:
        node.name = node.output[0]
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    return as_model(graph)


def as_model(graph: onnx.GraphProto) -> onnx.ModelProto:
    """``graph`` as a model of opset `OPSET`, checked against the ONNX specification."""
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model
