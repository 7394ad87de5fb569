"""The front end for engines without float64."""

import numpy as np
import onnx
import onnx.inliner
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from tests.front_ends import EXACT, KINDS, buildable, error, signal, signals, specs
from tinyalm.engine import engine
from tinyalm.frontend import PRESETS
from tinyalm_export.log_mel_graph import log_mel_graph

# Where a full-scale tone stands beside bands 100 dB and more below it (docs/tensorrt.md); all
# else is exact.
TONES = {
    "clap-htsat-unfused": 1e-3,
    "clap-htsat-fused": 1e-2,
    "msclap-2022": 1e-3,
    "msclap-2023": 1e-3,
    "panns-32k": 1e-3,
    "panns-16k": 1e-3,
    "efficientat": 2e-4,
    "ced": 5e-4,
}


def run(spec, waveform, folder):
    path = folder / "front.onnx"
    onnx.save(log_mel_graph(spec, float64=False), path)
    graph = engine("onnxruntime").open(path, threads=1)
    return graph.run({"waveform": waveform})["log_mel"]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_near_the_reference(name, tmp_path):
    spec = PRESETS[name]
    waveforms = np.stack([signal(kind, spec.sample_rate + 1) for kind in KINDS])
    for kind, waveform, found in zip(KINDS, waveforms, run(spec, waveforms, tmp_path), strict=True):
        tone = kind in ("sine", "chirp", "clipped")
        assert error(found, waveform, spec) <= (TONES.get(name, EXACT) if tone else EXACT), kind


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_front_end_is_near_the_reference(tmp_path_factory, data):
    spec = data.draw(specs())
    assume(buildable(spec))
    waveform = data.draw(signals(spec, shortest=2 if spec.preemphasis else 1))
    found = run(spec, waveform[None], tmp_path_factory.getbasetemp())
    assert error(found[0], waveform, spec) <= 5e-2


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_in_it_is_float64(name):
    model = onnx.shape_inference.infer_shapes(
        onnx.inliner.inline_local_functions(log_mel_graph(PRESETS[name], float64=False))
    )
    types = {value.type.tensor_type.elem_type for value in model.graph.value_info}
    assert TensorProto.FLOAT in types
    assert TensorProto.DOUBLE not in types
