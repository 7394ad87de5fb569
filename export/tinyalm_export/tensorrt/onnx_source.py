"""An ONNX file as TensorRT takes it: whole, of numbers, and with a front end in float32."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, external_data_helper, numpy_helper

from tinyalm.engine_file import file_hash
from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec
from tinyalm_export.graph_text import DOMAIN
from tinyalm_export.log_mel_graph import FUNCTION, log_mel_graph

_FRONTEND = "tinyalm.frontend"  # of metadata_props
# How onnx names the first node that is wrong, and why.
_INFERENCE = re.compile(
    r"op_type:(\w+), node name: ([^)]*)\): (?:\[\w+\] )?(.*?)\.?\)?(?: \(op_type|$)"
)
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


@dataclass(frozen=True)
class OnnxSource:
    """A sound ONNX file.

    Attributes:
        path: of the file.
        content: the model; its external weights stay in their files.
        sources: SHA-256 of the file and of those that hold its weights, by name.
        precision: ``int8`` where anything is quantized, ``fp16`` where weights are, else ``fp32``.
    """

    path: Path
    content: bytes
    sources: dict[str, str]
    precision: str


def read_onnx(path: Path) -> OnnxSource:
    """Read the ONNX file at ``path`` for TensorRT.

    The function ``tinyalm.LogMel`` gets its body in float32, since TensorRT has no float64 and
    would round where it must not.

    Raises:
        ExportError: no sound ONNX file, weights that are missing or are no numbers; the message
            names the node or the weight.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # protobuf's errors have no base that is public
        raise ExportError(f"{path}: not an ONNX file ({_line(error)}); export it again") from None
    if not model.graph.node:
        raise ExportError(f"{path}: holds no graph; export it again")
    files = [path, *_check_weights(path, model.graph)]
    _check_graph(path, model)
    precision = _precision(model.graph)
    _narrow_front_end(path, model)
    sources = {file.relative_to(path.parent).as_posix(): file_hash(file) for file in files}
    return OnnxSource(path, model.SerializeToString(), sources, precision)


def _check_weights(path: Path, graph: onnx.GraphProto) -> list[Path]:
    """Make sure that all weights are there and numbers; the files that hold them."""
    files = set()
    for tensor in graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            entries = {entry.key: entry.value for entry in tensor.external_data}
            file = path.parent / entries["location"]
            if not file.resolve().is_relative_to(path.parent.resolve()):
                raise ExportError(
                    f"{path}: the weight {tensor.name} lies outside its folder, in {file}; do not "
                    "trust it"
                )
            size = file.stat().st_size if file.is_file() else -1
            if size < int(entries.get("offset", 0)) + int(entries.get("length", 1)):
                what = "is missing" if size < 0 else "is too short"
                raise ExportError(
                    f"{path}: its weights lie in a second file, {file}, which {what}; keep both "
                    "files in one folder"
                )
            files.add(file)
        if tensor.data_type in _FLOATS:
            values = numpy_helper.to_array(tensor, base_dir=str(path.parent))
            if not np.isfinite(values).all():
                raise ExportError(
                    f"{path}: the weight {tensor.name} holds NaN or infinity, so the training "
                    "diverged; distil again with a lower learning rate"
                )
    return sorted(files)


def _check_graph(path: Path, model: onnx.ModelProto) -> None:
    """Refuse what contradicts the ONNX specification, such as an axis that a tensor lacks."""
    try:
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:  # onnx has no base common to its errors
        found = _INFERENCE.search(_line(error))
        what = f"node {found[2]} ({found[1]}): {found[3]}" if found else _line(error)
        raise ExportError(
            f"{path}: not a sound ONNX graph: {what}; correct that node and export again"
        ) from None


def _precision(graph: onnx.GraphProto) -> str:
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        return "int8"
    half = any(tensor.data_type == TensorProto.FLOAT16 for tensor in graph.initializer)
    return "fp16" if half else "fp32"


def _narrow_front_end(path: Path, model: onnx.ModelProto) -> None:
    """Replace the body of ``tinyalm.LogMel`` by the one in float32."""
    for function in model.functions:
        if (function.domain, function.name) == (DOMAIN, FUNCTION):
            notes = {note.key: note.value for note in model.metadata_props}
            try:
                spec = msgspec.json.decode(notes[_FRONTEND], type=LogMelSpec)
            except (KeyError, msgspec.MsgspecError):
                raise ExportError(
                    f"{path}: does not say which front end it has; export it again"
                ) from None
            function.CopyFrom(log_mel_graph(spec, float64=False).functions[0])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
