"""Torch modules to ONNX graphs: quiet, in their deployed form, with readable names."""

import ast
import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import onnx
import torch
from onnxscript.rewriter import rewrite
from onnxscript.rewriter.pattern import RewriteRule
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tinyalm_export.graph_text import OPSET, as_model

_OUTPUT = "tinyalm_output"  # torch gives names like "embedding" to values of its own


def fold_batchnorm(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in which each convolution has taken up the BatchNorm behind it.

    Args:
        module: in evaluation mode; left as it is.

    Returns:
        A module that computes the same function (Jacob et al., arXiv:1712.05877, section 3.2).
    """
    folded = copy.deepcopy(module)
    for chain in [child for child in folded.modules() if isinstance(child, nn.Sequential)]:
        for index in range(len(chain) - 1):
            convolution, norm = chain[index], chain[index + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                chain[index] = fuse_conv_bn_eval(convolution, norm)
                chain[index + 1] = nn.Identity()
    return folded


def torch_graph(
    module: nn.Module, name: str, inputs: Mapping[str, tuple[Tensor, Sequence[str]]]
) -> onnx.ModelProto:
    """Export ``module`` by `torch.onnx.export`.

    Args:
        module: in evaluation mode, with one output, the embedding.
        name: of the graph; also put before the names of its nodes and values.
        inputs: in the order of its arguments, an example of each and the names of its first axes,
            which become dynamic.

    Returns:
        A model with these inputs and the output ``embedding``.
    """
    # Axes of the same name are the same size.
    axes = {axis: torch.export.Dim(axis) for _, names in inputs.values() for axis in names}
    shapes = tuple(
        {index: axes[axis] for index, axis in enumerate(names)} for _, names in inputs.values()
    )
    with _quiet():
        program = torch.onnx.export(
            module,
            tuple(example for example, _ in inputs.values()),
            input_names=list(inputs),
            output_names=[_OUTPUT],
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export gave nothing")
        model: onnx.ModelProto = rewrite(program.model_proto, _RULES)
    _rename(model.graph, name)
    return as_model(model.graph)


def _rename(graph: onnx.GraphProto, name: str) -> None:
    """Name nodes after their modules, put ``name`` before everything, drop what torch noted.

    Its notes hold the paths of source files on the machine that exports.
    """
    names = {value.name: value.name for value in graph.input} | {"": "", _OUTPUT: "embedding"}
    for node in graph.node:
        notes = {note.key: note.value for note in node.metadata_props}
        scopes = ast.literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
        module = f"{scopes[-2]}/" if len(scopes) > 1 and scopes[-2] else ""
        node.name = f"{name}/{module}{node.output[0].replace(_OUTPUT, 'output')}"
        node.input[:] = [names.get(value, f"{name}/{value}") for value in node.input]
        node.output[:] = [names.get(value, f"{name}/{value}") for value in node.output]
        del node.metadata_props[:]
        node.doc_string = ""
    for tensor in graph.initializer:
        tensor.name = f"{name}/{tensor.name}"
        del tensor.metadata_props[:]
    for value in [*graph.input, *graph.output]:
        value.name = names[value.name]
        del value.metadata_props[:]
    del graph.value_info[:], graph.metadata_props[:]
    graph.name, graph.doc_string = name, ""


# onnxscript hands `op`, a builder, and the matched values by the names of the arguments.


def _torch_unit_length(op: Any, x: Any, axes: Any, floor: Any, shape: Any) -> Any:  # noqa: ANN401
    return op.Div(x, op.Expand(op.Clip(op.ReduceL2(x, axes, keepdims=1), floor), shape))


def _unit_length(op: Any, x: Any, **_: Any) -> Any:  # noqa: ANN401
    return op.LpNormalization(x, axis=-1, p=2)


def _torch_pool(op: Any, x: Any, axes: Any) -> Any:  # noqa: ANN401
    return op.ReduceMean(x, axes, keepdims=0)


def _pool(op: Any, x: Any, **_: Any) -> Any:  # noqa: ANN401
    return op.Flatten(op.GlobalAveragePool(x), axis=1)


def _is_over_maps(_: Any, axes: Any, **__: Any) -> bool:  # noqa: ANN401
    return axes.const_value is not None and axes.const_value.numpy().tolist() == [2, 3]


# Engines have kernels for these two, and quantized ones for pooling; as torch writes them they are
# nine small nodes, a tenth of a small student's time.
_RULES = [
    RewriteRule(_torch_unit_length, _unit_length, remove_nodes=False),
    RewriteRule(_torch_pool, _pool, _is_over_maps),
]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings and torch's log, which speak of torch's own insides."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
