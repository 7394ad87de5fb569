"""Static quantization by ONNX Runtime: ranges are found once, and graphs made of them."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from tinyalm.engine import engine
from tinyalm_export.graph_text import as_model
from tinyalm_export.int8.candidates import CANDIDATES, Candidate
from tinyalm_export.targets import Target

LogMels = Sequence[NDArray[np.float32]]


def find_ranges(
    encoder: onnx.ModelProto, log_mels: LogMels, candidate: Candidate = CANDIDATES[0]
) -> Any:  # noqa: ANN401 - ONNX Runtime's TensorsData
    """The range of every value of ``encoder`` on some sound.

    Args:
        encoder: as `tinyalm_export.graphs.encoder_graph` makes it.
        log_mels: calibration inputs, each (frames, n_mels) float32; at least one.
        candidate: its ``ranges`` says how.

    Returns:
        What `quantize` takes, for this encoder and others with the same values.
    """
    engine("onnxruntime")  # imports ONNX Runtime so that it reports to nobody
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    methods = {
        "minmax": (CalibrationMethod.MinMax, {}),
        "percentile": (
            CalibrationMethod.Percentile,
            {"percentile": candidate.percentile, "symmetric": False},
        ),
        "entropy": (CalibrationMethod.Entropy, {}),
    }
    method, options = methods[candidate.ranges]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoder.onnx"
        onnx.save(_prepared(encoder), path)
        calibrator = create_calibrator(
            path,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=method,
            extra_options=options,
        )
        calibrator.collect_data(_Reader(log_mels))
        return calibrator.compute_data()


def quantize(
    encoder: onnx.ModelProto,
    ranges: Any,  # noqa: ANN401 - ONNX Runtime's TensorsData
    target: Target,
    *,
    floats: Sequence[str] = (),
    only: Sequence[str] = (),
) -> onnx.ModelProto:
    """Quantize ``encoder`` to 8-bit integers.

    Activations have one scale, weights one a channel (Jacob et al., arXiv:1712.05877), placed as
    QuantizeLinear and DequantizeLinear pairs that engines fuse. The first convolutions, which have
    few channels and little to gain, stay in float, as does the output of the projection.

    Args:
        encoder: as `tinyalm_export.graphs.encoder_graph` makes it.
        ranges: from `find_ranges`.
        target: what the engine wants.
        floats: names of further nodes that stay in float.
        only: if given, names of the only nodes that do not.

    Returns:
        The quantized model, with the same inputs and outputs.
    """
    from onnxruntime.quantization import QDQQuantizer, QuantType

    model = _prepared(encoder)
    quantizer = QDQQuantizer(
        model,
        True,  # a scale for each channel of weights
        target.seven_bits,
        QuantType.QInt8,
        QuantType.QInt8 if target.signed else QuantType.QUInt8,
        ranges,
        list(only),
        [*start(model.graph, target), *floats],
        list(target.operators),
        {
            "OpTypesToExcludeOutputQuantization": list(target.float_outputs),
            "ActivationSymmetric": target.symmetric,
            "QuantizeBias": target.integer_biases,
        },
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    graph = quantizer.model.model.graph
    del graph.value_info[:]
    return as_model(raw(graph))


def start(graph: onnx.GraphProto, target: Target) -> list[str]:
    """Names of the first convolutions and of what is between them, which stay in float.

    Few channels gain nothing from 8 bits. Where the target says so, this goes on as long as the
    maps get no wider, and only their narrowest part is rounded.
    """
    channels = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    names: list[str] = []
    width = 0
    for node in graph.node:
        if node.op_type == "Conv":
            wider = channels[node.input[1]] > width
            if width and (wider or not target.float_start):
                break
            width = channels[node.input[1]]
        elif width and node.op_type not in ("Pad", "Relu"):
            break
        names.append(node.name)
    return names


def raw(graph: onnx.GraphProto) -> onnx.GraphProto:
    """Store all weights as bytes, which other files can point to."""
    for tensor in graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    return graph


class _Reader:
    """Hands log-mels to ONNX Runtime one by one."""

    def __init__(self, log_mels: LogMels) -> None:
        self._rest: Iterator[NDArray[np.float32]] = iter(log_mels)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        log_mel = next(self._rest, None)
        return None if log_mel is None else {"log_mel": log_mel[None]}


def _prepared(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with the type of every value, which ONNX Runtime's quantizer looks up."""
    return onnx.shape_inference.infer_shapes(as_model(encoder.graph))
