"""Small ONNX files for TensorRT, and where engines can be built."""

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from tinyalm.engine_file import Profile, Sizes
from tinyalm.errors import MissingExtraError
from tinyalm.tensorrt import import_tensorrt

GENERATIONS = ["sm86", "sm89", "sm120"]  # Ampere, Ada, Blackwell
PROFILE: Profile = {"x": Sizes([1, 8], [1, 8], [4, 8])}


def why_not() -> str:
    """Why no engines can be built here; empty where they can."""
    try:
        import_tensorrt("tensorrt-rtx")
    except MissingExtraError as error:
        return str(error)
    return ""


needs_tensorrt = pytest.mark.skipif(bool(why_not()), reason=why_not() or "never skipped")


def write_onnx(
    path: Path, body: str, weights: dict[str, np.ndarray] | None = None, *, external: bool = False
) -> Path:
    """A graph ``x`` (batch, 8) to ``y`` of nodes in ONNX's text syntax, named layer/0 and so on."""
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 18, "acme" : 1]>'
        f" small (float[batch, 8] x) => (float[batch, n] y) {{ {body} }}"
    )
    for index, node in enumerate(model.graph.node):
        node.name = f"layer/{index}"
    for name, values in (weights or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.save(
        model,
        path,
        save_as_external_data=external,
        location=f"{path.name}.data",
        size_threshold=0,
    )
    return path
