import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.fakes import DIM, tone
from tests.process import environment
from tinyalm.engine import engine
from tinyalm.errors import BundleError, ConfigError, MissingExtraError
from tinyalm_runtimes.onnxruntime_engine import OnnxRuntimeEngine


@pytest.fixture(scope="module")
def graph(bundle):
    return engine("onnxruntime").open(bundle / "audio.onnx", threads=1)


def test_the_engine_is_found_by_its_name():
    assert isinstance(engine("onnxruntime"), OnnxRuntimeEngine)


def test_an_unknown_engine_lists_those_that_are_there():
    with pytest.raises(MissingExtraError, match=r"no engine named 'abacus' .*onnxruntime"):
        engine("abacus")


def test_an_engine_without_its_library_says_so(monkeypatch):
    point = EntryPoint("abacus", "no_such_library:Engine", "tinyalm.engines")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: EntryPoints([point]))
    with pytest.raises(MissingExtraError, match=r"'abacus' cannot be imported .*no_such_library"):
        engine("abacus")


def test_named_inputs_give_named_outputs(graph):
    outputs = graph.run({"waveform": np.stack([tone(250, 1), tone(6000, 1)])})
    assert list(outputs) == ["embedding"]
    assert outputs["embedding"].shape == (2, DIM)
    assert outputs["embedding"].argmax(axis=1).tolist() == [0, DIM - 1]


def test_calls_from_several_threads_agree(graph):
    waves = [tone(100 * i, 1)[None] for i in range(1, 40)]
    alone = [graph.run({"waveform": wave})["embedding"] for wave in waves]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda w: graph.run({"waveform": w})["embedding"], waves))
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("content", [b"", b"this is no graph", b"\x08\x08"])
def test_a_file_that_is_no_graph_is_named_in_one_line(tmp_path, capfd, content):
    file = tmp_path / "audio.onnx"
    file.write_bytes(content)
    with pytest.raises(BundleError) as error:
        OnnxRuntimeEngine().open(file, threads=1)
    assert str(error.value).startswith(f"{file}: cannot be opened (")
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"audio.onnx: cannot be opened"):
        OnnxRuntimeEngine().open(tmp_path / "audio.onnx", threads=1)


def test_weights_outside_the_folder_are_not_read(tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "weights").write_bytes(np.ones(1, "f4").tobytes())
    weight = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../weights")
    info = [helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    proto = helper.make_graph(nodes, "g", info[:1], info[1:], [weight])
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "bundle" / "audio.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match="escapes"):
        OnnxRuntimeEngine().open(tmp_path / "bundle" / "audio.onnx", threads=1)


@pytest.mark.parametrize(
    "inputs",
    [
        {"wave": np.zeros((1, RATE := 16000), "f4")},
        {"waveform": np.zeros((1, RATE), "f8")},
        {"waveform": np.zeros(RATE, "f4")},
        {"waveform": np.zeros((1, 3), "f4")},
    ],
    ids=["name", "dtype", "rank", "too short"],
)
def test_inputs_that_do_not_fit_are_one_line(graph, capfd, inputs):
    with pytest.raises(BundleError) as error:
        graph.run(inputs)
    assert "audio.onnx: cannot be run (" in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_threads_below_one_are_refused(bundle):
    with pytest.raises(ConfigError, match="threads is 0; it must be at least 1"):
        OnnxRuntimeEngine().open(bundle / "audio.onnx", threads=0)


def test_another_provider_than_asked_is_refused(bundle, monkeypatch):
    chosen = OnnxRuntimeEngine()
    session = chosen._onnxruntime.InferenceSession
    monkeypatch.setattr(session, "get_providers", lambda _: ["AzureExecutionProvider"])
    with pytest.raises(BundleError, match="asked for CPUExecutionProvider, got Azure"):
        chosen.open(bundle / "audio.onnx", threads=1)


@pytest.mark.parametrize("before", [{}, {"ORT_DISABLE_TELEMETRY": "0"}])
def test_the_library_reports_to_nobody_and_the_environment_stays(bundle, tmp_path, before):
    code = (
        "import os, sys; from pathlib import Path; before = dict(os.environ)\n"
        "from tinyalm.engine import engine\n"
        "engine('onnxruntime').open(Path(sys.argv[1]), threads=1)\n"
        "assert dict(os.environ) == before"
    )
    command = [sys.executable, "-c", code, str(bundle / "audio.onnx")]
    environ = environment(home=tmp_path, XDG_CACHE_HOME=str(tmp_path), **before)
    subprocess.run(command, env=environ, check=True, timeout=60)
    # With its telemetry on, the library leaves a device identifier and a database here.
    assert not list(tmp_path.iterdir())
