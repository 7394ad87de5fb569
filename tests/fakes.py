"""A small real bundle whose answers can be reasoned about.

Its audio graph measures how much of a recording lies at each of `TONES`, its text graph knows one
word for each, so that a recording of the tone `TONES[i]` is nearest to the word `WORDS[i]`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import soundfile
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tinyalm.bundle import (
    BundleManifest,
    Calibration,
    GraphInfo,
    Provenance,
    TensorInfo,
    TextInfo,
    write_bundle,
)
from tinyalm.frontend import preset, program
from tinyalm.windows import WindowRule

RATE = 16000
TONES = (250, 500, 1000, 2000, 3000, 4000, 5000, 6000)  # Hz
WORDS = ("hum", "buzz", "horn", "beep", "whistle", "chirp", "hiss", "squeak")
FILLERS = tuple(f"n{i}" for i in range(100))  # words in random directions
JOINERS = ("a", "the", "and", "then", "while", ",", "sounds")  # words that mean next to nothing
DIM = len(TONES)
FRAME, HOP = 400, 160
FRONT_END = preset("edge-16k")
WINDOWS = WindowRule(length_s=2.0, hop_s=1.0, grid_s=0.5, min_s=1.0)


def tone(hz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A sine of amplitude 0.5, (samples,) float32."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def write_tone(path: Path, word: str, seconds: float = 3.0, rate: int = RATE) -> Path:
    """A WAV file that holds the tone of ``word``."""
    soundfile.write(path, tone(TONES[WORDS.index(word)], seconds, rate), rate)
    return path


def make_bundle(path: Path, **fields: Any) -> Path:
    """Write the bundle; ``fields`` replace those of its manifest."""
    defaults = {
        "name": "tones",
        "embedding_dim": DIM,
        "frontend": FRONT_END,
        "program": "frontend.logmel",
        "windows": WINDOWS,
        "audio": graph_info("audio.onnx", [("waveform", "float32", ["batch", "samples"])]),
        "text": TextInfo(
            graph=graph_info(
                "text.onnx",
                [(n, "int64", ["batch", "tokens"]) for n in ("input_ids", "attention_mask")],
            ),
            tokenizer="tokenizer.json",
            max_tokens=8,
        ),
        "labels": list(WORDS[:4]),
        "calibration": Calibration(scale=10.0, bias=-5.0, pairs=64),
        "provenance": Provenance(teacher="tones", teacher_licence="CC0-1.0", created_by="tests"),
    }
    write_bundle(path, BundleManifest(**(defaults | fields)), fill)
    return path


def fill(folder: Path) -> None:
    """Write the graphs, the front end and the tokenizer."""
    (folder / "frontend.logmel").write_bytes(program(FRONT_END))
    onnx.save(audio_graph(), folder / "audio.onnx")
    onnx.save(text_graph(), folder / "text.onnx")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *WORDS, *FILLERS, *JOINERS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def graph_info(file: str, inputs: list[tuple[str, str, list[str]]]) -> GraphInfo:
    """A manifest entry for a graph with the output ``embedding``."""
    return GraphInfo(
        file=file,
        precision="fp32",
        opset=17,
        parameters=0,
        inputs=[TensorInfo(name=n, dtype=d, shape=list(s)) for n, d, s in inputs],
        outputs=[TensorInfo(name="embedding", dtype="float32", shape=["batch", DIM])],
    )


def audio_graph() -> onnx.ModelProto:
    """Waveform -> root of the mean energy at each tone, over windowed frames -> unit length."""
    phase = 2 * np.pi * np.outer(TONES, np.arange(FRAME)) / RATE
    kernels = np.concatenate([np.cos(phase), np.sin(phase)]) * np.hanning(FRAME)
    fold = np.tile(np.eye(DIM), (2, 1))  # adds the energies of a tone's cosine and sine
    nodes = [
        helper.make_node("Unsqueeze", ["waveform", "one"], ["signal"]),
        helper.make_node("Conv", ["signal", "kernels"], ["parts"], strides=[HOP]),
        helper.make_node("Mul", ["parts", "parts"], ["energies"]),
        helper.make_node("ReduceMean", ["energies"], ["means"], axes=[2], keepdims=0),
        helper.make_node("Gemm", ["means", "fold"], ["bands"]),
        helper.make_node("Sqrt", ["bands"], ["levels"]),
        helper.make_node("LpNormalization", ["levels"], ["embedding"], axis=1, p=2),
    ]
    constants = {"kernels": kernels[:, None].astype("f4"), "fold": fold.astype("f4"), "one": [1]}
    return _model(nodes, constants, {"waveform": (TensorProto.FLOAT, ["batch", "samples"])})


def text_graph() -> onnx.ModelProto:
    """Token ids -> mean of the tokens' vectors under the mask -> unit length."""
    rng = np.random.default_rng(0)
    unknown = np.full((1, DIM), DIM**-0.5)
    table = [np.zeros((1, DIM)), unknown, np.eye(DIM), rng.normal(size=(len(FILLERS), DIM))]
    table.append(np.repeat(0.05 * unknown, len(JOINERS), axis=0))
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
        helper.make_node("Mul", ["vectors", "weights"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=1, p=2),
    ]
    ids = (TensorProto.INT64, ["batch", "tokens"])
    constants = {"table": np.concatenate(table).astype("f4"), "last": [2], "one": [1]}
    return _model(nodes, constants, {"input_ids": ids, "attention_mask": ids})


def _model(
    nodes: list[onnx.NodeProto], constants: dict[str, Any], inputs: dict[str, tuple[int, list[str]]]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tones",
        [helper.make_tensor_value_info(name, *info) for name, info in inputs.items()],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", DIM])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model
