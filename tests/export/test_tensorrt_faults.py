"""Graphs and places that no engine can be built from or in: one line each, and nothing is left."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.export.engines import PROFILE, needs_tensorrt, write_onnx
from tests.process import environment, one_line, tinyalm
from tinyalm.engine_file import file_hash
from tinyalm.errors import ExportError
from tinyalm_export.tensorrt.builder import build_engine

ONES = np.ones((8, 4), np.float32)
NAN = np.where(np.eye(8, 4), np.nan, ONES).astype(np.float32)


def refused(graph: Path, gpu: str = "sm89") -> str:
    """The one line with which the graph is refused."""
    before = sorted(graph.parent.iterdir())
    with pytest.raises(ExportError) as error:
        build_engine(graph, graph.with_suffix(".plan"), gpus=[gpu], profiles=[PROFILE])
    assert sorted(graph.parent.iterdir()) == before
    message = str(error.value)
    assert message.startswith(f"{graph}: ")
    assert "\n" not in message
    return message


@needs_tensorrt
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("y = acme.Warp(x)", ["node layer/0 (Warp)", "lugin not found", "operators that Tens"]),
        ("z = Relu(x)\n y = Bernoulli(z)", ["node layer/1 (Bernoulli)", "operators that Tens"]),
        ("y = Softmax<axis = 5>(x)", ["node layer/0 (Softmax)", "axis", "correct that node"]),
        ("y = Concat<axis = 3>(x, x)", ["node layer/0 (Concat)", "axis", "correct that node"]),
        ("y = MatMul(x, w)", ["node layer/0 (MatMul)", "correct that node"]),
    ],
)
def test_a_node_that_cannot_be_built_is_named_with_the_remedy(tmp_path, body, said):
    weights = {"w": np.ones((7, 4), np.float32)}
    message = refused(write_onnx(tmp_path / "a.onnx", body, weights))
    assert all(words in message for words in said), message


@needs_tensorrt
def test_what_the_builder_refuses_names_the_node(tmp_path):
    graph = write_onnx(tmp_path / "a.onnx", "y = MatMul(x, w)", {"w": ONES})
    message = refused(graph, gpu="sm75")
    assert "cannot build it for sm75: node layer/0: " in message
    assert message.endswith("; build for sm75 with --precision fp16, or leave sm75 out")


@needs_tensorrt
def test_weights_that_are_no_numbers_are_named(tmp_path):
    graph = write_onnx(tmp_path / "a.onnx", "y = MatMul(x, w)", {"w": NAN})
    assert "the weight w holds NaN or infinity" in refused(graph)


@needs_tensorrt
def test_a_second_file_that_is_missing_or_cut_short_is_named(tmp_path):
    graph = write_onnx(tmp_path / "a.onnx", "y = MatMul(x, w)", {"w": ONES}, external=True)
    data = tmp_path / "a.onnx.data"
    data.write_bytes(data.read_bytes()[:-4])
    assert f"{data}, which is too short; keep both files" in refused(graph)
    data.unlink()
    assert f"{data}, which is missing; keep both files" in refused(graph)


@needs_tensorrt
def test_a_second_file_elsewhere_is_not_opened(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    graph = write_onnx(folder / "a.onnx", "y = MatMul(x, w)", {"w": ONES}, external=True)
    (folder / "a.onnx.data").rename(tmp_path / "away.data")
    graph.write_bytes(graph.read_bytes().replace(b"a.onnx.data", b"../away.dat"))
    assert "outside its folder" in refused(graph)


@needs_tensorrt
@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x0a\x3a\xff"])
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    graph = tmp_path / "a.onnx"
    graph.write_bytes(content)
    assert refused(graph).endswith("; export it again")


@needs_tensorrt
def test_a_missing_file_is_named(tmp_path):
    assert "cannot be read (No such file or directory)" in refused(tmp_path / "a.onnx")


FULL = """
import resource, signal
from tinyalm.cli.main import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
run()
"""


@needs_tensorrt
def test_a_disk_that_takes_no_more_leaves_no_half_an_engine(fp32, tmp_path):
    """Files here end after 100 kB, and an engine has more."""
    bundle = shutil.copytree(fp32, tmp_path / "tiny.tinyalm")
    args = ("export", str(bundle), "--to", "tensorrt", "--gpu", "sm89")
    ended = subprocess.run(
        [sys.executable, "-c", FULL, *args],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "File too large" in ended.stderr.splitlines()[-1]
    assert not list((tmp_path / "tiny.engines").iterdir())


@needs_tensorrt
def test_int8_for_processors_says_what_tensorrt_wants(int8, tmp_path):
    ended = tinyalm("export", int8, "--to", "tensorrt", "--gpu", "sm89")
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"tinyalm: {int8}/audio.onnx: TensorRT cannot read node encoder/")
    assert last.endswith("int8 is symmetric and biases are float: export with --to tensorrt")


@needs_tensorrt
def test_the_command_builds_the_engines_of_a_bundle(fp32, tmp_path):
    bundle = shutil.copytree(fp32, tmp_path / "tiny.tinyalm")
    ended = tinyalm("export", bundle, "--to", "tensorrt", "--gpu", "sm86, SM89", "--max-batch", 2)
    assert ended.returncode == 0, ended.stderr
    first, *files, last = ended.stdout.splitlines()
    assert first == f"wrote {tmp_path / 'tiny.engines'}: engines for sm86, sm89"
    assert len(files) == 3
    assert last == f'next, where such a GPU is: tinyalm.load("{bundle}", engine="tensorrt")'
    sidecar = json.loads((tmp_path / "tiny.engines" / "audio.sm86-sm89.json").read_text())
    assert sidecar["profiles"][0]["waveform"]["max"] == [2, 160000]
    assert sidecar["sources"] == {"audio.onnx": file_hash(bundle / "audio.onnx")}


@needs_tensorrt
def test_a_bundle_cannot_be_made_anew_by_its_engines(fp32):
    options = ("--to", "tensorrt", "--gpu", "sm89", "--precision", "int8")
    ended = tinyalm("export", fp32, *options)
    assert ended.returncode == 2
    assert "a bundle, whose engines are built as it is; --precision" in one_line(ended.stderr)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--to", "tensorrt"), "--to tensorrt needs --gpu"),
        (("--gpu", "sm89"), "--gpu sm89: engines are made by --to tensorrt"),
        (("--precision", "fp32"), "name the bundle to make: --out NAME.tinyalm"),
    ],
)
def test_options_that_say_too_little_are_refused(tmp_path, options, why):
    ended = tinyalm("export", tmp_path, *options)
    assert ended.returncode == 2
    assert why in one_line(ended.stderr)
