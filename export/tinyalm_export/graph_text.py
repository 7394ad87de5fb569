"""ONNX functions written as text, so that they can be read as what they compute."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# Opset 18 is the lowest with reductions over axes given as input; TensorRT 10 and ONNX Runtime
# 1.20 read it, and IR version 10 is the newest that the latter knows.
OPSET = 18
IR_VERSION = 10
DOMAIN, DOMAIN_VERSION = "tinyalm", 1  # of functions

Constants = dict[str, NDArray[Any]]


def ints(*values: int) -> NDArray[np.int64]:
    """What ONNX takes shapes, axes and positions as."""
    return np.array(values, np.int64)


def function_from_text(
    signature: str, lines: Sequence[str], constants: Mapping[str, NDArray[Any]]
) -> onnx.FunctionProto:
    """Build a function of the domain `DOMAIN` over operators of opset `OPSET`.

    Args:
        signature: ``Name (input, ...) => (output, ...)``.
        lines: nodes in ONNX's text syntax, ``y = Concat<axis = 1>(a, b)``; a node is named after
            its first output.
        constants: values that the nodes use, by name.
    """
    head = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}]>\n'
    function = onnx.parser.parse_function(f"{head}{signature} {{\n" + "\n".join(lines) + "\n}")
    computed = list(function.node)
    del function.node[:]
    function.node.extend(
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in constants.items()
    )
    function.node.extend(computed)
    for node in function.node:
        node.name = node.output[0]
    return function


def as_model(
    graph: onnx.GraphProto, functions: Sequence[onnx.FunctionProto] = ()
) -> onnx.ModelProto:
    """``graph`` as a model of opset `OPSET`, checked against the ONNX specification.

    Args:
        graph: may call ``functions``.
        functions: of the domain `DOMAIN`.
    """
    opsets = [helper.make_opsetid("", OPSET)]
    if functions:
        opsets.append(helper.make_opsetid(DOMAIN, DOMAIN_VERSION))
    model = helper.make_model(
        graph, opset_imports=opsets, functions=list(functions), ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model
