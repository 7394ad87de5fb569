"""The graphs of a bundle: sound or log-mel to embedding, text to embedding; and their files."""

import base64

import msgspec
import onnx
import torch
from onnx import compose, helper

import tinyalm
from tinyalm.bundle import GraphInfo, TensorInfo
from tinyalm.frontend import LogMelSpec, program
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.text import TextStudent
from tinyalm_export.graph_text import OPSET, as_model
from tinyalm_export.log_mel_graph import log_mel_graph
from tinyalm_export.torch_graph import fold_batchnorm, torch_graph

EXAMPLE_FRAMES = 64  # any number does: the axis is dynamic
SHARED_SIZE = 256  # bytes; to say where a weight lies takes 80


def encoder_graph(encoder: AudioEncoder, n_mels: int) -> onnx.ModelProto:
    """Log-mel to embedding, with BatchNorm folded into the convolutions.

    Args:
        encoder: in evaluation mode.
        n_mels: mel bands that it reads.

    Returns:
        A model with the input ``log_mel`` (batch, frames, n_mels) float32 and the output
        ``embedding`` (batch, embedding_dim) float32 of unit length.
    """
    example = torch.zeros(2, EXAMPLE_FRAMES, n_mels)
    inputs = {"log_mel": (example, ("batch", "frames"))}
    return torch_graph(fold_batchnorm(encoder), "encoder", inputs)


def text_graph(text: TextStudent) -> onnx.ModelProto:
    """Token ids to embedding.

    Args:
        text: in evaluation mode.

    Returns:
        A model with the inputs ``input_ids`` and ``attention_mask`` (batch, tokens) int64 and the
        output ``embedding`` (batch, embedding_dim) float32 of unit length.
    """
    # One tensor for both would make them one input.
    examples = {
        name: torch.ones(2, 3, dtype=torch.int64) for name in ("input_ids", "attention_mask")
    }
    axes = ("batch", "tokens")
    return torch_graph(text, "text", {name: (ids, axes) for name, ids in examples.items()})


def waveform_graph(encoder: onnx.ModelProto, spec: LogMelSpec) -> onnx.ModelProto:
    """``encoder`` behind its front end.

    Args:
        encoder: reads ``log_mel``.
        spec: the front end that makes it.

    Returns:
        A model with the input ``waveform`` (batch, samples) float32 in [-1, 1] at
        ``spec.sample_rate`` Hz, at least one frame long, and the output of ``encoder``.
    """
    front = log_mel_graph(spec)
    merged = compose.merge_models(front, encoder, io_map=[("log_mel", "log_mel")], name="audio")
    return as_model(merged.graph, front.functions)


def stamp(model: onnx.ModelProto, spec: LogMelSpec | None = None) -> onnx.ModelProto:
    """A copy of ``model`` with who made it and its front end as metadata.

    Args:
        model: any.
        spec: front end of an audio graph.
    """
    stamped = as_model(model.graph, model.functions)
    stamped.producer_name, stamped.producer_version = "tinyalm", tinyalm.__version__
    notes = {"tinyalm.version": tinyalm.__version__}
    if spec is not None:
        notes["tinyalm.frontend"] = msgspec.json.encode(spec).decode()
        notes["tinyalm.frontend.digest"] = spec.digest()
        notes["tinyalm.frontend.program"] = base64.b64encode(program(spec)).decode()
    helper.set_model_props(stamped, notes)
    del stamped.graph.value_info[:]  # engines infer the shapes between inputs and outputs
    return stamped


def share_weights(model: onnx.ModelProto, file: str, content: bytes) -> None:
    """Let the weights of ``model`` be those that another model's file holds.

    Args:
        model: its larger initializers become external data of ONNX.
        file: name of the other file, which must lie in the same folder.
        content: of that file, which holds all of them.
    """
    for tensor in model.graph.initializer:
        size = len(tensor.raw_data)
        if size < SHARED_SIZE:
            continue
        offset = content.index(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", file), ("offset", offset), ("length", size)):
            tensor.external_data.add(key=key, value=str(value))


def file_content(model: onnx.ModelProto) -> bytes:
    """What the file of ``model`` holds, the same bytes every time."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def graph_info(file: str, precision: str, model: onnx.ModelProto, count: int) -> GraphInfo:
    """What a manifest says of ``model`` in ``file``, which has ``count`` parameters."""
    return GraphInfo(
        file=file,
        precision=precision,
        opset=OPSET,
        parameters=count,
        inputs=[_tensor(value) for value in model.graph.input],
        outputs=[_tensor(value) for value in model.graph.output],
    )


def _tensor(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    return TensorInfo(
        name=value.name,
        dtype=helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        shape=[axis.dim_param or axis.dim_value for axis in tensor.shape.dim],
    )
