"""The graphs of a teacher: waveform or log-mel to embedding, text to embedding."""

import onnx
import onnx.parser
import torch
from onnx import compose, helper

from tinyalm_export.graph_text import Constants, as_model, function_from_text, ints
from tinyalm_export.graphs import stamp
from tinyalm_export.log_mel_graph import FUNCTION, log_mel_graph
from tinyalm_export.teachers.manifest import Padding
from tinyalm_export.teachers.source import TeacherSource
from tinyalm_export.teachers.towers import AudioTower, TextTower
from tinyalm_export.torch_graph import torch_graph

WINDOW = "Window"  # the function that makes a window of a waveform


def features_graph(source: TeacherSource) -> onnx.ModelProto:
    """The audio tower.

    Returns:
        A model with the input ``log_mel`` (batch, frames of a window, n_mels) float32 and the
        output ``embedding`` (batch, dim) float32 of unit length.
    """
    frames = source.spec.frames(source.samples)
    example = torch.zeros(2, frames, source.spec.n_mels)
    tower = AudioTower(source.model, frames).eval()
    return torch_graph(tower, "audio", {"log_mel": (example, ("batch",))})


def audio_graph(tower: onnx.ModelProto, source: TeacherSource) -> onnx.ModelProto:
    """``tower``, see `features_graph`, behind its front end.

    Returns:
        A model with the input ``waveform`` (batch, samples) float32 in [-1, 1] at the front end's
        rate, and the output of ``tower``. What is shorter than a window is padded as the teacher
        pads it; what is longer is heard up to the window's end.
    """
    spec, frames = source.spec, source.spec.frames(source.samples)
    window, front = window_function(source.samples, source.padding), log_mel_graph(spec)
    graph = onnx.parser.parse_graph(
        "front (float[batch, samples] waveform)"
        f" => (float[batch, {frames}, {spec.n_mels}] log_mel) {{"
        f" window = {window.domain}.{WINDOW}(waveform)"
        f" log_mel = {window.domain}.{FUNCTION}(window) }}"
    )
    for node, name in zip(graph.node, ("window", "log_mel"), strict=True):
        node.name = f"frontend/{name}"
    ready = as_model(graph, [window, *front.functions])
    merged = compose.merge_models(ready, tower, io_map=[("log_mel", "log_mel")], name="audio")
    return as_model(merged.graph, ready.functions)


def text_graph(source: TeacherSource) -> onnx.ModelProto:
    """The text tower.

    Returns:
        A model with the inputs ``input_ids`` and ``attention_mask`` (batch, tokens) int64 and the
        output ``embedding`` (batch, dim) float32 of unit length.
    """
    axes = ("batch", "tokens")
    # One tensor for both would make them one input.
    inputs = {
        name: (torch.ones(2, 3, dtype=torch.int64), axes)
        for name in ("input_ids", "attention_mask")
    }
    return torch_graph(TextTower(source.model).eval(), "text", inputs)


def stamped(
    model: onnx.ModelProto, source: TeacherSource, notes: dict[str, str], *, hears: bool
) -> onnx.ModelProto:
    """A copy of ``model`` with who made it, of what, and its front end as metadata.

    Args:
        model: any of the three.
        source: of the teacher.
        notes: further metadata, by key.
        hears: whether it is an audio graph.
    """
    made = stamp(model, source.spec if hears else None)
    helper.set_model_props(made, {n.key: n.value for n in made.metadata_props} | notes)
    return made


def window_function(samples: int, padding: Padding) -> onnx.FunctionProto:
    """What feature_extraction_clap.py of transformers does to a waveform before its spectrum.

    Args:
        samples: of a window.
        padding: of a shorter waveform; a longer one is cut.

    Returns:
        The function ``tinyalm.Window``: ``waveform`` (batch, any) to ``window`` (batch, samples).
    """
    constants: Constants = {
        "first": ints(0),
        "one": ints(1),
        "most": ints(samples),
        "along_time": ints(1),
        "nothing_before": ints(0, 0, 0),
        "by_window": ints(0, samples),
    }
    # A waveform of nothing is silence.
    repeated = [
        "length = Shape<start = 1>(heard)",
        "divisor = Max(length, one)",
        "whole = Div(most, divisor)",
        f"times = {'Identity(whole)' if padding == 'repeatpad' else 'Add(whole, one)'}",
        "tiles = Concat<axis = 0>(one, times)",
        "tiled = Tile(heard, tiles)",
        "repeated = Slice(tiled, first, most, along_time)",
    ]
    lines = [
        "heard = Slice(waveform, first, most, along_time)",
        *(["repeated = Identity(heard)"] if padding == "pad" else repeated),
        "size = Shape<start = 1>(repeated)",
        "rest = Sub(most, size)",
        "pads = Concat<axis = 0>(nothing_before, rest)",
        "padded = Pad(repeated, pads)",
        "window = Reshape(padded, by_window)",  # engines then know its size
    ]
    return function_from_text(f"{WINDOW} (waveform) => (window)", lines, constants)
