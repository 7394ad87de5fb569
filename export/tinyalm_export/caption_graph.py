"""The captioner as one ONNX graph that begins a sentence and goes on with it.

It is written node by node, since every axis may be empty: the embedding's after the first step, the
past's at it.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tinyalm.models.captioner import Captioner, DecoderLayer
from tinyalm_export.graph_text import as_model, ints
from tinyalm_export.quantize import int8_rows

_BARRED = -1e9  # added to the score of what comes later


def caption_graph(captioner: Captioner, *, int8: bool) -> onnx.ModelProto:
    """One step of ``captioner``, see `Captioner.forward`.

    Args:
        captioner: in evaluation mode.
        int8: store matrices as 8-bit integers with one scale an output; compute in float.

    Returns:
        A model with the inputs ``embedding``, ``input_ids`` and ``past`` and the outputs ``logits``
        and ``present``.
    """
    config, g = captioner.config, _Nodes(int8)
    table = g.matrix("table", captioner.table.weight)
    shape = g.constant("prefix_shape", ints(0, -1, config.width))
    prefix = g.op("Reshape", [g.linear("project", "embedding", captioner.project), shape], "prefix")
    x = g.op("Concat", [prefix, g.op("Gather", [table, "input_ids"], "tokens")], "x", axis=1)
    before, count = g.size("past", 4), g.size(x, 1)
    total = g.op("Add", [before, count], "total")
    zero, one = g.constant("zero", ints(0)[0]), g.constant("one", ints(1)[0])
    places = g.op("Range", [before, total, one], "places")
    keys = g.op("Range", [zero, total, one], "keys")
    x = g.op(
        "Add",
        [x, g.op("Gather", [g.plain("positions", captioner.positions), places], "at")],
        "placed",
    )
    first = g.constant("first", ints(1))
    later = g.op("Greater", [keys, g.op("Unsqueeze", [places, first], "column")], "later")
    wide = g.op("Cast", [later], "later_float", to=TensorProto.FLOAT)
    barred = g.op("Mul", [wide, g.constant("barring", np.float32(_BARRED))], "barred")
    kept = []
    for number, layer in enumerate(captioner.decoders()):
        x, present = _layer(g, f"layers.{number}", number, x, barred, layer)
        kept.append(present)
    g.op("Concat", kept, "present", axis=0)
    bounds = [
        g.op("Unsqueeze", [value, g.constant(f"axis_{name}", ints(0))], f"bound_{name}")
        for name, value in (("from", g.size(prefix, 1)), ("to", count))
    ]
    said = g.op("Slice", [x, *bounds, first], "said")
    said = g.norm("norm", said, captioner.norm)
    flat = g.op("Reshape", [said, g.constant("flat_shape", ints(-1, config.width))], "flat")
    scores = g.op("Gemm", [flat, table], "scores", transB=1)
    sizes = g.op("Shape", ["input_ids"], "ids_shape")
    vocabulary = g.constant("vocabulary", ints(config.vocabulary))
    g.op("Reshape", [scores, g.op("Concat", [sizes, vocabulary], "logits_shape", axis=0)], "logits")
    return g.model(captioner)


def _layer(
    g: "_Nodes", name: str, number: int, x: str, barred: str, layer: DecoderLayer
) -> tuple[str, str]:
    """A decoder layer; its output, and (1, 2, …) keys and values."""
    heads, size = layer.heads, layer.attended.in_features // layer.heads
    parts = g.linear(
        f"{name}.attend", g.norm(f"{name}.attention_norm", x, layer.attention_norm), layer.attend
    )
    split = g.constant(f"{name}.split", ints(0, 0, 3, heads, size))
    parts = g.op("Reshape", [parts, split], f"{name}.parts")
    parts = g.op("Transpose", [parts], f"{name}.qkv", perm=[2, 0, 3, 1, 4])
    query = g.op("Gather", [parts, g.constant(f"{name}.query_at", ints(0)[0])], f"{name}.query")
    scale = g.constant(f"{name}.scale", np.float32(size**-0.5))
    query = g.op("Mul", [query, scale], f"{name}.scaled")
    new = g.op("Gather", [parts, g.constant(f"{name}.new_at", ints(1, 2))], f"{name}.new")
    known = g.op("Gather", ["past", g.constant(f"{name}.number", ints(number)[0])], f"{name}.known")
    both = g.op("Concat", [known, new], f"{name}.both", axis=3)
    key, value = (
        g.op("Gather", [both, g.constant(f"{name}.{kind}_at", ints(at)[0])], f"{name}.{kind}")
        for at, kind in enumerate(("key", "value"))
    )
    key = g.op("Transpose", [key], f"{name}.key_t", perm=[0, 1, 3, 2])
    scores = g.op(
        "Add", [g.op("MatMul", [query, key], f"{name}.cosines"), barred], f"{name}.scores"
    )
    weights = g.op("Softmax", [scores], f"{name}.weights", axis=-1)
    heard = g.op("MatMul", [weights, value], f"{name}.heard")
    heard = g.op("Transpose", [heard], f"{name}.by_token", perm=[0, 2, 1, 3])
    joined = g.constant(f"{name}.joined_shape", ints(0, 0, heads * size))
    heard = g.op("Reshape", [heard, joined], f"{name}.joined")
    x = g.op("Add", [x, g.linear(f"{name}.attended", heard, layer.attended)], f"{name}.mid")
    fed = g.linear(f"{name}.feed", g.norm(f"{name}.feed_norm", x, layer.feed_norm), layer.feed)
    fed = g.linear(f"{name}.fed", g.op("Relu", [fed], f"{name}.relu"), layer.fed)
    outer = g.constant(f"{name}.outer", ints(0))
    return g.op("Add", [x, fed], f"{name}.out"), g.op("Unsqueeze", [both, outer], f"{name}.present")


class _Nodes:
    """A graph in the making; every method adds to it and gives a value's name."""

    def __init__(self, int8: bool) -> None:
        self._int8 = int8
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def op(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:  # noqa: ANN401
        self._nodes.append(
            helper.make_node(kind, inputs, [name], name=f"captioner/{name}", **attributes)
        )
        return name

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def plain(self, name: str, weight: Tensor) -> str:
        return self.constant(name, weight.detach().numpy())

    def size(self, value: str, axis: int) -> str:
        """The length of an axis, a scalar."""
        name = f"{value}.axis{axis}"
        at = self.constant(f"{name}.at", ints(axis)[0])
        return self.op("Gather", [self.op("Shape", [value], f"{name}.shape"), at], name)

    def matrix(self, name: str, weight: Tensor, *, turned: bool = False) -> str:
        """A matrix with a scale for each row, (rows, columns), or ``turned`` (columns, rows)."""
        exact = weight.detach().numpy()
        if not self._int8:
            return self.constant(name, np.ascontiguousarray(exact.T) if turned else exact)
        values, scales = int8_rows(exact)
        stored = np.ascontiguousarray(values.T) if turned else values
        rows = self.op(
            "Cast", [self.constant(f"{name}.int8", stored)], f"{name}.rows", to=TensorProto.FLOAT
        )
        by = self.constant(f"{name}.scales", scales if turned else scales[:, None])
        return self.op("Mul", [rows, by], name)

    def linear(self, name: str, x: str, layer: nn.Linear) -> str:
        product = self.op(
            "MatMul",
            [x, self.matrix(f"{name}.weight", layer.weight, turned=True)],
            f"{name}.product",
        )
        return self.op("Add", [product, self.plain(f"{name}.bias", layer.bias)], name)

    def norm(self, name: str, x: str, layer: nn.LayerNorm) -> str:
        weights = [
            self.plain(f"{name}.weight", layer.weight),
            self.plain(f"{name}.bias", layer.bias),
        ]
        return self.op("LayerNormalization", [x, *weights], name, axis=-1, epsilon=layer.eps)

    def model(self, captioner: Captioner) -> onnx.ModelProto:
        c = captioner.config
        past: list[int | str | None] = [c.layers, 2, "batch", c.heads, "before", c.width // c.heads]
        tensor, float32 = helper.make_tensor_value_info, TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "captioner",
            [
                tensor("embedding", float32, ["batch", "given", c.embedding_dim]),
                tensor("input_ids", TensorProto.INT64, ["batch", "tokens"]),
                tensor("past", float32, past),
            ],
            [
                tensor("logits", float32, ["batch", "tokens", c.vocabulary]),
                tensor("present", float32, [*past[:4], "after", past[5]]),
            ],
            self._constants,
        )
        return as_model(graph)
