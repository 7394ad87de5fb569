from collections import Counter

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.front_ends import buildable, excess, signals, specs
from tinyalm.engine import engine
from tinyalm.errors import ExportError
from tinyalm.frontend import PRESETS, LogMelSpec
from tinyalm_export.log_mel_graph import log_mel_graph


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Opens the graph of a spec, as devices do."""
    path = tmp_path_factory.mktemp("graph") / "log_mel.onnx"

    def opened(spec):
        onnx.save(log_mel_graph(spec), path)
        graph = engine("onnxruntime").open(path, threads=1)
        return lambda waveform: graph.run({"waveform": waveform})["log_mel"]

    return opened


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_the_graph_equals_the_reference(opened, data):
    spec = data.draw(specs())
    assume(buildable(spec))
    waveform = data.draw(signals(spec))
    found = opened(spec)(np.stack([waveform, waveform[::-1]]))
    assert excess(found[0], waveform, spec) <= 1
    assert excess(found[1], waveform[::-1], spec) <= 1


@pytest.mark.parametrize("name", PRESETS)
def test_one_graph_takes_any_batch_and_length(opened, name):
    spec = PRESETS[name]
    run = opened(spec)
    rng = np.random.default_rng(0)
    for batch, samples in ((1, spec.frame_length), (3, 1001), (2, 16000), (1, 160000)):
        waveform = rng.normal(0, 0.3, (batch, samples)).astype(np.float32)
        found = run(waveform)
        assert max(excess(*pair, spec) for pair in zip(found, waveform, strict=True)) <= 1


def test_the_answer_for_a_clip_does_not_depend_on_its_batch(opened):
    run = opened(PRESETS["edge-16k"])
    waveform = np.random.default_rng(0).normal(0, 0.3, (4, 5000)).astype(np.float32)
    alone = np.concatenate([run(row[None]) for row in waveform])
    np.testing.assert_allclose(run(waveform), alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_it_is_small_and_made_of_standard_operators(name):
    model = log_mel_graph(PRESETS[name])
    operators = Counter(node.op_type for node in model.graph.node)
    assert not {"STFT", "DFT", "MelWeightMatrix", "Loop", "If"} & set(operators)
    assert {node.domain for node in model.graph.node} == {""}
    assert model.ByteSize() < 30_000
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_its_tables_are_computed_when_it_is_loaded(opened, tmp_path):
    opened(PRESETS["yamnet"])  # imports ONNX Runtime
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    content = log_mel_graph(PRESETS["yamnet"]).SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    left = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert not {"Mod", "Where", "Equal"} & set(left)
    assert left["Gather"] == 1  # of mirrored rows
    assert left["MatMul"] == 3


def test_bands_without_a_bin_are_refused():
    deaf = LogMelSpec(
        sample_rate=16000,
        n_fft=16,
        win_length=16,
        hop_length=8,
        n_mels=1,
        f_min=1100.0,
        f_max=1400.0,
        log_offset=1e-5,
    )
    with pytest.raises(ExportError, match="no bin of a 16-point DFT at 16000 Hz lies between 1100"):
        log_mel_graph(deaf)
