"""YAMNet (AudioSet, 521 classes) with its float32 weights, recovered from a quantized graph.

The published graph holds the original float weights as initializers, each behind a QuantizeLinear
and DequantizeLinear pair, as are the activations. Without the pairs it is the float model of
tensorflow/models, research/audioset/yamnet.
"""

import csv
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from tinyalm.errors import DataError
from tinyalm.frontend import preset
from tinyalm.telemetry import import_onnxruntime
from tinyalm_distill.front_end import front_end_of

SPEC = preset("yamnet")
PATCH_FRAMES = 96  # 0.96 s, of which the next patch starts after half
PATCH_HOP = 48
_PATCH_SAMPLES = SPEC.win_length + (PATCH_FRAMES - 1) * SPEC.hop_length
_HOP_SAMPLES = PATCH_HOP * SPEC.hop_length
_PATCHES = 8  # at once: a third less time than one by one, and the same answers to the last bit


class YamNet:
    """YAMNet: waveforms to the probabilities of 521 AudioSet classes."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Load ``model.onnx`` and ``classes.csv`` from ``folder``.

        Raises:
            DataError: the files are not the graph and class map that they should be.
        """
        self.classes = _read_classes(folder / "classes.csv")
        try:
            model = float_model(onnx.load(folder / "model.onnx"))
        except Exception as error:  # onnx passes on protobuf's errors, and has many of its own
            reason = str(error).splitlines()[0]
            raise DataError(f"{folder}: not the YAMNet graph ({reason}); pull it again") from None
        self._log_mel, self._threads = front_end_of(SPEC), threads
        self.parameters: int = sum(math.prod(weight.dims) for weight in model.graph.initializer)
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # several patches are heard at once instead
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(
        self, waveforms: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Class probabilities and features of sounds, each the mean over a sound's patches.

        Args:
            waveforms: each (samples,) float32 in [-1, 1] at 16 kHz; zero-padded at its end to
                whole patches of 0.96 s, every 0.48 s, as yamnet/features.py does.

        Returns:
            (sounds, 521) float32 in [0, 1] and (sounds, 1024) float32.
        """
        if not waveforms:
            return np.zeros((0, len(self.classes)), np.float32), np.zeros((0, 1024), np.float32)
        with ThreadPoolExecutor(self._threads) as pool:
            patches = list(pool.map(self._patches, waveforms))
            whole = np.concatenate(patches)
            starts = range(0, len(whole), _PATCHES)
            heard = list(
                pool.map(lambda start: self._hear(whole[start : start + _PATCHES]), starts)
            )
        ends = np.cumsum([len(some) for some in patches])[:-1]
        probabilities, features = (
            np.stack([some.mean(axis=0) for some in np.split(np.concatenate(kind), ends)])
            for kind in zip(*heard, strict=True)
        )
        return probabilities, features

    def _hear(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        logits, features = self._session.run(["logits", "features"], {"audio": patches})
        # Beyond -80 the exponential of a float32 overflows, and the probability is 0 anyway.
        return 1.0 / (1.0 + np.exp(-np.maximum(logits, -80.0))), features

    def _patches(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        beyond = max(0, waveform.size - _PATCH_SAMPLES)
        padded = _PATCH_SAMPLES + -(-beyond // _HOP_SAMPLES) * _HOP_SAMPLES
        whole = np.zeros(padded, np.float32)
        whole[: waveform.size] = waveform
        mel = self._log_mel(whole)  # (frames, 64)
        windows = np.lib.stride_tricks.sliding_window_view(mel, PATCH_FRAMES, axis=0)
        return np.ascontiguousarray(windows[::PATCH_HOP].swapaxes(1, 2)[:, None])


def float_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """The quantized YAMNet graph without its quantization, with a dynamic batch.

    Inputs and outputs: ``audio`` [n, 1, 96, 64] log-mel patches, ``logits`` [n, 521], and what they
    are a linear map of, ``features`` [n, 1024].

    Raises:
        ValueError: the graph has another structure.
    """
    graph = model.graph
    before = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "QuantizeLinear"}
    source = {  # the graph's own input comes quantized, with no QuantizeLinear before it
        n.output[0]: before.get(n.input[0], n.input[0])
        for n in graph.node
        if n.op_type == "DequantizeLinear"
    }
    quantization = ("QuantizeLinear", "DequantizeLinear")
    nodes = [n for n in graph.node if n.op_type not in quantization]
    for node in nodes:
        node.input[:] = [source.get(name, name) for name in node.input]
    kept = {name for node in nodes for name in node.input}
    weights = {i.name: i for i in graph.initializer if i.name in kept}
    gemm = nodes[-1]
    reshape = next((n for n in nodes if n.op_type == "Reshape"), None)
    if gemm.op_type != "Gemm" or reshape is None:
        raise ValueError("it does not end in Reshape and Gemm")
    flat = np.array([-1, 1024], np.int64)
    weights[reshape.input[1]] = numpy_helper.from_array(flat, reshape.input[1])
    gemm.output[0], gemm.input[0], reshape.output[0] = "logits", "features", "features"
    floats = onnx.TensorProto.FLOAT
    recovered = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info("audio", floats, ["n", 1, PATCH_FRAMES, SPEC.n_mels])],
        [
            helper.make_tensor_value_info("logits", floats, ["n", 521]),
            helper.make_tensor_value_info("features", floats, ["n", 1024]),
        ],
        list(weights.values()),
    )
    result = helper.make_model(
        recovered, opset_imports=list(model.opset_import), ir_version=model.ir_version
    )
    onnx.checker.check_model(result, full_check=True)
    return result


def _read_classes(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            names = [row["display_name"] for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not YAMNet's class map ({error}); pull it again") from None
    if len(names) != 521:
        raise DataError(f"{path}: holds {len(names)} classes instead of 521; pull it again")
    return names
