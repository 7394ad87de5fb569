from collections import Counter
from functools import lru_cache

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from tests.front_ends import EXACT, KINDS, buildable, error, signal, signals, specs
from tinyalm.engine import engine
from tinyalm.errors import ExportError
from tinyalm.frontend import PRESETS, LogMelSpec, with_mel_filters
from tinyalm_export.log_mel_graph import log_mel_graph


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Opens the graph of a spec, as devices do."""
    path = tmp_path_factory.mktemp("graph") / "log_mel.onnx"

    @lru_cache(len(PRESETS))
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
    waveform = data.draw(signals(spec, shortest=2 if spec.preemphasis else 1))
    found = opened(spec)(np.stack([waveform, waveform[::-1]]))
    assert error(found[0], waveform, spec) <= EXACT
    assert error(found[1], waveform[::-1], spec) <= EXACT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PRESETS)
def test_the_graph_equals_the_reference_in_every_preset(opened, name, kind):
    spec = PRESETS[name]
    shortest = 2 if spec.preemphasis else 1
    for size in (shortest, 2, 3, spec.n_fft // 2, spec.n_fft // 2 + 1, spec.sample_rate // 2 + 1):
        waveform = signal(kind, size)
        assert error(opened(spec)(waveform[None])[0], waveform, spec) <= EXACT


@pytest.mark.parametrize("name", ["edge-16k", "ced", "clap-htsat-unfused"])
def test_a_minute_of_sound_equals_the_reference(opened, name):
    spec = PRESETS[name]
    waveform = signal("chirp", 61 * spec.sample_rate)
    assert error(opened(spec)(waveform[None])[0], waveform, spec) <= EXACT


@pytest.mark.parametrize("name", PRESETS)
def test_the_answer_for_a_clip_does_not_depend_on_its_batch(opened, name):
    run = opened(PRESETS[name])
    loudness = np.array([[1.0], [1e-4], [0.0], [0.1]])
    waveform = np.random.default_rng(0).normal(0, 0.3 * loudness, (4, 5000)).astype(np.float32)
    alone = np.concatenate([run(row[None]) for row in waveform])
    np.testing.assert_allclose(run(waveform), alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["yamnet", "whisper-80"])
def test_what_is_too_short_for_a_frame_has_none(opened, name):
    spec = PRESETS[name]
    assert spec.frames(100) == 0
    assert opened(spec)(np.zeros((2, 100), np.float32)).shape == (2, 0, spec.n_mels)


def test_given_bands_may_overlap_as_they_like(opened):
    plain = LogMelSpec(
        sample_rate=8000, n_fft=60, win_length=50, hop_length=20, n_mels=7, f_max=4000, log_floor=1
    )
    filters = np.random.default_rng(0).uniform(0, 1, (31, 7))
    filters[:4] = filters[:, 3] = 0  # bins that no band has, and a band without bins
    spec = with_mel_filters(plain, filters)
    waveform = signal("noise", 1001)
    assert error(opened(spec)(waveform[None])[0], waveform, spec) <= EXACT


@pytest.mark.parametrize("name", PRESETS)
def test_it_is_one_small_function_of_standard_operators(name):
    spec = PRESETS[name]
    model = log_mel_graph(spec)
    (node,), (function,) = model.graph.node, model.functions
    assert (node.domain, node.op_type) == (function.domain, function.name) == ("tinyalm", "LogMel")
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18, "tinyalm": 1}
    assert {entry.domain: entry.version for entry in function.opset_import} == {"": 18}
    assert {node.domain for node in function.node} == {""}
    operators = {node.op_type for node in function.node}
    assert not {"STFT", "DFT", "MelWeightMatrix", "Resize", "Loop", "Scan", "If"} & operators
    assert len({node.name for node in function.node}) == len(function.node)
    assert model.ByteSize() < (30_000 if spec.n_fft <= 512 else 45_000)


@pytest.mark.parametrize("name", ["yamnet", "ced", "efficientat"])
def test_other_runtimes_read_the_function_alike(name):
    spec = PRESETS[name]
    waveform = signal("chirp", 5001)
    (found,) = ReferenceEvaluator(log_mel_graph(spec)).run(None, {"waveform": waveform[None]})
    assert error(found[0], waveform, spec) <= EXACT


@pytest.mark.parametrize(("name", "gathers"), [("yamnet", 0), ("ced", 1)])
def test_its_tables_are_computed_when_it_is_loaded(opened, tmp_path, name, gathers):
    opened(PRESETS[name])  # imports ONNX Runtime
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    content = log_mel_graph(PRESETS[name]).SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    model = onnx.load(tmp_path / "optimised.onnx")
    left = Counter(node.op_type for node in model.graph.node)
    assert not model.functions
    assert {node.domain for node in model.graph.node} == {""}
    assert not {"Constant", "ConstantOfShape", "ScatterElements"} & set(left)
    assert left["Gather"] == left["Mod"] == gathers  # of the indices of reflected ends
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
