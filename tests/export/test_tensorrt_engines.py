"""Engines that are really built, for GPUs that are not here."""

import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tests.export.engines import GENERATIONS, PROFILE, needs_tensorrt, write_onnx
from tests.front_ends import EXACT, KINDS, signal
from tinyalm.bundle import read_bundle
from tinyalm.cli.main import cli
from tinyalm.engine import engine
from tinyalm.engine_file import EngineFile, Sizes, engines_folder, file_hash, read_sidecar
from tinyalm.errors import ConfigError, MissingExtraError
from tinyalm.tensorrt import installed
from tinyalm_export.exporter import export_bundle
from tinyalm_export.tensorrt.builder import build_engine
from tinyalm_export.tensorrt.bundle_engines import build_engines, bundle_profiles
from tinyalm_export.tensorrt.gpus import resolve_gpus
from tinyalm_export.tensorrt.onnx_source import read_onnx

pytestmark = needs_tensorrt


@pytest.fixture(scope="module")
def bundles(
    checkpoint: Path, fp32: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The tiny student's bundle for TensorRT, by its precision."""
    made: dict[str, Path] = {}

    def bundle(precision: str) -> Path:
        if precision not in made:
            made[precision] = tmp_path_factory.mktemp(precision) / "tiny.tinyalm"
            if precision == "fp32":  # has no target
                shutil.copytree(fp32, made[precision])
            elif precision == "int8":  # by the command, engines and all
                options = ["--precision", "int8", "--to", "tensorrt", "--gpu", "sm86,sm89,sm120"]
                args = ["export", str(checkpoint), "--out", str(made[precision]), *options]
                ended = CliRunner().invoke(cli, args)
                assert ended.exit_code == 0, ended.output
                assert engines_folder(made[precision]).is_dir()
            else:
                export_bundle(checkpoint, made[precision], precision=precision, target="tensorrt")
        return made[precision]

    return bundle


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_bundle_becomes_engines_for_three_generations_in_one_call(bundles, precision):
    bundle = bundles(precision)
    made = build_engines(bundle, gpus=GENERATIONS)
    assert [path.name for path, _ in made] == [
        f"{graph}.sm86-sm89-sm120.plan" for graph in ("audio", "features", "text")
    ]
    assert {path.parent for path, _ in made} == {engines_folder(bundle)}
    for path, info in made:
        assert read_sidecar(path.with_suffix(".json")) == info
        assert info.gpus == GENERATIONS
        assert info.tensorrt == installed()["tensorrt-rtx"]
        assert info.precision == ("fp32" if path.name.startswith("text") else precision)
        assert (info.bytes, info.sha256) == (path.stat().st_size, file_hash(path))
    assert set(made[1][1].sources) == {"features.onnx", "audio.onnx"}  # whose weights it shares
    read_bundle(bundle)  # is what it was


def test_what_tensorrt_is_given_answers_as_the_bundle(bundles, tmp_path):
    """Its front end is another one, in float32."""
    graph = bundles("fp32") / "audio.onnx"
    given = tmp_path / "given.onnx"
    given.write_bytes(read_onnx(graph).content)
    one, other = (engine("onnxruntime").open(path, threads=1) for path in (graph, given))
    for kind in KINDS:
        inputs = {"waveform": np.stack([signal(kind, 15360), signal(kind, 15360, hz=0.2)])}
        expected, found = one.run(inputs)["embedding"], other.run(inputs)["embedding"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)


def test_int8_is_symmetric_with_float_biases(bundles):
    graph = onnx.load(bundles("int8") / "features.onnx").graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    pairs = [n for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert len(pairs) > 40
    for node in pairs:
        zero = values[node.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert {values[node.input[2]].dtype for node in convolutions} == {np.dtype(np.float32)}
    # Nothing is rounded between a convolution and its activation, so that they fuse.
    made = {name: node.op_type for node in graph.node for name in node.output}
    assert {made[n.input[0]] for n in graph.node if n.op_type == "Relu"} == {"Conv"}


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_front_end_and_encoder_are_one_layer_of_the_engine(bundles, precision):
    path, _ = build_engines(bundles(precision), gpus=["sm89"])[0]
    plan = path.read_bytes()
    (layer,) = set(re.findall(rb"\{ForeignNode\[(.*?)\]\}", plan))
    assert layer.startswith(b"padded")
    inside = set(re.findall(rb"\[ONNX Layer: ([^\]|]*)", plan))
    assert {b"sums_high ", b"mel ", b"natural_log "} <= inside
    assert any(b"conv2d" in name for name in inside)
    # The kernels that were generated, named after what they compute one after the other.
    kernels = set(re.findall(rb"__myl_([A-Z]\w+?)_0x", plan))
    assert any(b"RounMulSlicSub" in kernel for kernel in kernels)  # samples cut in two parts
    if precision == "int8":
        assert any(b"AddReluMulMinMaxRounCast" in kernel for kernel in kernels)


def test_an_engine_is_built_again_only_where_something_changed(tmp_path):
    graph = write_onnx(tmp_path / "a.onnx", "y = MatMul(x, w)", {"w": np.ones((8, 4), "f4")})
    out = tmp_path / "a.plan"
    sidecar = tmp_path / "a.json"

    def build(**changed: object) -> tuple[EngineFile, bool]:
        return build_engine(graph, out, **({"gpus": ["sm89"], "profiles": [PROFILE]} | changed))

    first, built = build()
    assert built
    assert build() == (first, False)
    # Another graph, other shapes, other GPUs.
    write_onnx(graph, "z = MatMul(x, w)\n y = Relu(z)", {"w": np.ones((8, 4), "f4")})
    larger = {"x": Sizes([1, 8], [1, 8], [64, 8])}
    changes = [build(), build(profiles=[larger]), build(gpus=["sm86", "sm89"])]
    assert all(built for _, built in changes)
    for (before, _), (after, _) in pairwise([(first, True), *changes]):
        assert not before.same_build(after)
    # What is no longer what it was, or was made by another TensorRT, is no reason to stop.
    damaged: list[Callable[[], object]] = [
        lambda: sidecar.write_text("{"),
        lambda: sidecar.unlink(),
        lambda: sidecar.write_bytes(
            msgspec.json.encode(msgspec.structs.replace(read_sidecar(sidecar), tensorrt="1.0"))
        ),
        lambda: out.write_bytes(out.read_bytes()[:-1]),
        lambda: out.unlink(),
    ]
    for damage in damaged:
        damage()
        info, built = build()
        assert built
        assert build() == (info, False)


def test_profiles_hold_what_the_bundle_is_run_with(bundles):
    manifest = read_bundle(bundles("fp32"))
    profiles = bundle_profiles(manifest, max_batch=4, max_seconds=2.0)
    assert profiles["audio.onnx"] == {"waveform": Sizes([1, 7680], [1, 15360], [4, 32000])}
    assert profiles["features.onnx"] == {"log_mel": Sizes([1, 46, 64], [1, 94, 64], [4, 198, 64])}
    assert profiles["text.onnx"]["input_ids"] == Sizes([1, 1], [16, 6], [256, 6])
    with pytest.raises(ConfigError, match=r"--max-seconds 0.5: the bundle's windows are 0.96 s"):
        bundle_profiles(manifest, max_batch=4, max_seconds=0.5)
    with pytest.raises(ConfigError, match="--max-batch 0"):
        bundle_profiles(manifest, max_batch=0, max_seconds=2.0)


@pytest.mark.parametrize(
    ("sizes", "why"),
    [
        ({"w": Sizes([1], [1], [1])}, "a profile for w; the graph's dynamic inputs are x"),
        ({"x": Sizes([2, 8], [1, 8], [4, 8])}, "must ascend"),
        ({"x": Sizes([1, 7], [1, 8], [4, 8])}, "must ascend and fit the input's shape"),
        ({"x": Sizes([1], [1], [4])}, "must ascend and fit the input's shape"),
    ],
)
def test_profiles_that_do_not_fit_are_refused(tmp_path, sizes, why):
    graph = write_onnx(tmp_path / "a.onnx", "y = Relu(x)")
    with pytest.raises(ConfigError, match=why):
        build_engine(graph, tmp_path / "a.plan", gpus=["sm89"], profiles=[sizes])


def test_gpus_are_named_once_and_in_their_order():
    assert resolve_gpus(["sm120", "sm86", "sm86"]) == ("tensorrt-rtx", ["sm86", "sm120"])


def test_gpus_that_cannot_be_built_for_are_refused_with_those_that_can():
    with pytest.raises(ConfigError, match=r"--gpu sm90: TensorRT for RTX .* builds for sm75, sm80"):
        resolve_gpus(["sm89", "sm90"])
    with pytest.raises(ConfigError, match="current stands alone"):
        resolve_gpus(["current", "sm89"])


@pytest.mark.skipif("tensorrt" in installed(), reason="the full TensorRT is installed")
def test_what_only_the_full_tensorrt_builds_asks_for_it(tmp_path):
    with pytest.raises(MissingExtraError, match=r"--gpu ampere\+ needs TensorRT, which is not"):
        resolve_gpus(["ampere+"])
    graph = write_onnx(tmp_path / "a.onnx", "y = Relu(x)")
    out = tmp_path / "a.plan"
    with pytest.raises(ConfigError, match="TensorRT for RTX has no engines for later versions"):
        build_engine(graph, out, gpus=["sm89"], profiles=[PROFILE], version_compatible=True)


def test_weights_in_a_second_file_are_found(tmp_path):
    weights = {"w": np.ones((8, 400), "f4")}
    graph = write_onnx(tmp_path / "two.onnx", "y = MatMul(x, w)", weights, external=True)
    info, _ = build_engine(graph, tmp_path / "two.plan", gpus=["sm89"], profiles=[PROFILE])
    assert set(info.sources) == {"two.onnx", "two.onnx.data"}
