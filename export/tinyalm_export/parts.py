"""The audio and the text part of a bundle: each made as a file, then proven against torch."""

from pathlib import Path
from typing import Literal

import msgspec
import onnx
from msgspec import Struct

from tinyalm.bundle import GraphInfo, ParityRow, TextInfo
from tinyalm.engine import Graph, engine
from tinyalm.frontend import LogMelSpec, program
from tinyalm.models.counting import parameters
from tinyalm_export.checkpoint_input import CheckpointInput
from tinyalm_export.graphs import (
    encoder_graph,
    file_content,
    graph_info,
    share_weights,
    stamp,
    text_graph,
    waveform_graph,
)
from tinyalm_export.half_precision import halve_encoder
from tinyalm_export.int8.encoder import Int8Request, int8_encoder
from tinyalm_export.int8.table import SEARCH
from tinyalm_export.parity import (
    audio_parity,
    check_parity,
    cosines,
    features_parity,
    text_parity,
)
from tinyalm_export.quantize import quantize_text

Precision = Literal["fp32", "fp16", "int8"]
AUDIO, FEATURES, PROGRAM = "audio.onnx", "features.onnx", "frontend.logmel"
TEXT, TOKENIZER = "text.onnx", "tokenizer.json"


class AudioPart(Struct, frozen=True):
    """The audio graphs' entries in the manifest, their parity, and what quantization cost."""

    info: GraphInfo
    features: GraphInfo
    parity: list[ParityRow]
    metrics: dict[str, float]


def make_audio(
    source: CheckpointInput,
    precision: Precision,
    folder: Path,
    int8: Int8Request = Int8Request(),  # noqa: B008 - frozen
) -> AudioPart:
    """Write the audio graph, its variant without the front end, and the front end into ``folder``.

    Args:
        source: the checkpoint.
        precision: of the encoder; the front end is not rounded.
        folder: to write into.
        int8: what it is asked for; a search leaves its table there, too.

    Raises:
        DataError: the manifest to calibrate on cannot be read.
        ExportError: a graph does not answer as the student does, or int8 costs more than it may.
    """
    student, sound = source.student.audio, source.sound
    spec, rule = source.student.meta.frontend, source.student.meta.windows
    encoder = encoder_graph(student.encoder, spec.n_mels)
    model = waveform_graph(encoder, spec)
    graph = write_graph(model, folder / AUDIO, spec)
    metrics = {}
    if precision == "fp16":
        encoder = halve_encoder(encoder)
        model = waveform_graph(encoder, spec)
        graph = write_graph(model, folder / AUDIO, spec)
    if precision == "int8":
        exact = graph
        made = int8_encoder(source, encoder, int8)
        encoder = made.model
        model = waveform_graph(encoder, spec)
        graph = write_graph(model, folder / AUDIO, spec)
        found = cosines(exact, graph, made.held_out)
        metrics = {"int8_mean_cosine": float(found.mean()), "int8_min_cosine": float(found.min())}
        if made.table:
            encoded = msgspec.json.format(msgspec.json.encode(made.table), indent=2)
            (folder / SEARCH).write_bytes(encoded + b"\n")
    rows = audio_parity(student, graph, sound, rule)
    check_parity("audio graph", precision, [(row.max_abs_error, row.min_cosine) for row in rows])
    features = _write_features(encoder, folder, spec)
    rows_of_features = features_parity(features, graph, spec, sound, rule)
    check_parity("features graph", precision, rows_of_features, to=AUDIO)
    (folder / PROGRAM).write_bytes(program(spec))
    count = parameters(student)
    return AudioPart(
        info=graph_info(AUDIO, precision, model, count),
        features=graph_info(FEATURES, precision, encoder, count),
        parity=rows,
        metrics=metrics,
    )


def make_text(source: CheckpointInput, precision: Precision, folder: Path) -> TextInfo:
    """Write the text graph and its tokenizer into ``folder``; what is not int8 is fp32.

    Raises:
        ExportError: it does not answer as the student does.
    """
    student = source.student.text
    stored: Precision = "int8" if precision == "int8" else "fp32"
    model = text_graph(student)
    if precision == "int8":
        model = quantize_text(model)
    rows = text_parity(student, write_graph(model, folder / TEXT))
    check_parity("text graph", stored, rows)
    (folder / TOKENIZER).write_bytes(_compact(source.tokenizer))
    info = graph_info(TEXT, stored, model, parameters(student))
    return TextInfo(graph=info, tokenizer=TOKENIZER, max_tokens=student.config.max_tokens)


def _compact(tokenizer: bytes) -> bytes:
    """The tokenizer without blanks, and without the part that turns ids back into text."""
    config = msgspec.json.decode(tokenizer)
    config["decoder"] = None
    return msgspec.json.encode(config)


def write_graph(model: onnx.ModelProto, path: Path, spec: LogMelSpec | None = None) -> Graph:
    """Write ``model`` to ``path`` and open it as devices do."""
    path.write_bytes(file_content(stamp(model, spec)))
    return engine("onnxruntime").open(path, threads=1)


def _write_features(encoder: onnx.ModelProto, folder: Path, spec: LogMelSpec) -> Graph:
    """Write ``encoder`` as the graph that shares the weights of the audio graph in ``folder``."""
    model = stamp(encoder, spec)
    share_weights(model, AUDIO, (folder / AUDIO).read_bytes())
    path = folder / FEATURES
    path.write_bytes(file_content(model))
    return engine("onnxruntime").open(path, threads=1)
