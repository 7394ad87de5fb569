"""Which engine a machine takes, by its sidecar alone: no GPU and no TensorRT is needed."""

import json
from pathlib import Path

import msgspec
import pytest

import tinyalm
from tests.fakes import make_bundle
from tinyalm.engine_file import (
    ANY_AMPERE,
    EngineFile,
    Flavour,
    Sizes,
    engines_folder,
    file_hash,
    read_engine,
    write_engine,
)
from tinyalm.errors import BundleError, ConfigError, MissingExtraError
from tinyalm.tensorrt import gpu, import_tensorrt, installed
from tinyalm_runtimes.engine_choice import find_engine, fitting_profile
from tinyalm_runtimes.tensorrt_engine import TensorRtEngine

VERSION = "1.7.1"
VERSIONS: dict[Flavour, str] = {"tensorrt-rtx": VERSION}
REBUILD = "; build the engine again: tinyalm export BUNDLE --to tensorrt --gpu current"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tones.tinyalm")


def engine_of(bundle: Path, name: str = "audio.sm86-sm89", **fields: object) -> Path:
    """Write an engine for the audio graph of ``bundle``; its sidecar."""
    graph = bundle / "audio.onnx"
    info = EngineFile(
        **{
            "graph": graph.name,
            "sources": {graph.name: file_hash(graph)},
            "flavour": "tensorrt-rtx",
            "tensorrt": VERSION,
            "gpus": ["sm86", "sm89"],
            "version_compatible": False,
            "precision": "fp32",
            "profiles": [{"waveform": Sizes([1, 100], [1, 200], [4, 400])}],
            "bytes": 0,
            "sha256": "",
            "created_by": "tests",
        }
        | fields
    )
    path = engines_folder(bundle) / f"{name}.plan"
    write_engine(path, b"an engine", info)
    return path.with_suffix(".json")


def refused(path: Path, machine: str = "sm89") -> str:
    with pytest.raises(BundleError) as error:
        find_engine(path, machine, VERSIONS)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(REBUILD)
    return str(error.value).removesuffix(REBUILD)


def test_the_engine_of_a_graph_lies_beside_its_bundle(bundle):
    sidecar = engine_of(bundle)
    assert sidecar.parent == bundle.parent / "tones.engines"
    for path in (bundle / "audio.onnx", sidecar.with_suffix(".plan")):
        found, info = find_engine(path, "sm89", VERSIONS)
        assert found == sidecar
        assert read_engine(found, info) == b"an engine"
    tinyalm.load(bundle)  # is what it was


def test_the_one_of_several_engines_that_fits_is_found(bundle):
    engine_of(bundle, "audio.sm120", gpus=["sm120"])
    wanted = engine_of(bundle)
    assert find_engine(bundle / "audio.onnx", "sm86", VERSIONS)[0] == wanted


def test_an_engine_for_another_gpu_says_for_which(bundle):
    engine_of(bundle)
    plan = engines_folder(bundle) / "audio.sm86-sm89.plan"
    expected = f"{plan}: built for sm86, sm89, and this machine has sm120"
    assert refused(bundle / "audio.onnx", "sm120") == expected


def test_an_engine_of_another_tensorrt_says_which(bundle):
    sidecar = engine_of(bundle, tensorrt="1.6.0")
    plan = sidecar.with_suffix(".plan")
    said = refused(bundle / "audio.onnx")
    assert said == f"{plan}: built with TensorRT for RTX 1.6.0, and {VERSION} is installed"
    engine_of(bundle, flavour="tensorrt")
    said = refused(bundle / "audio.onnx")
    assert said == f"{plan}: built with TensorRT {VERSION}, which is not installed"


def test_an_engine_for_later_versions_runs_with_them_and_not_with_earlier_ones(bundle):
    engine_of(bundle, tensorrt="1.6.12", version_compatible=True)
    assert find_engine(bundle / "audio.onnx", "sm89", VERSIONS)
    engine_of(bundle, tensorrt="1.10", version_compatible=True)
    assert "built with TensorRT for RTX 1.10, and 1.7.1 is" in refused(bundle / "audio.onnx")


def test_an_engine_for_all_from_ampere_on_runs_on_them(bundle):
    engine_of(bundle, gpus=[ANY_AMPERE])
    for machine in ("sm80", "sm89", "sm120"):
        assert find_engine(bundle / "audio.onnx", machine, VERSIONS)
    assert "this machine has sm75" in refused(bundle / "audio.onnx", "sm75")


def test_an_engine_of_another_graph_is_refused(bundle):
    engine_of(bundle, sources={"audio.onnx": "0" * 64})
    assert "built from another audio.onnx than" in refused(bundle / "audio.onnx")
    engine_of(bundle, sources={"gone.onnx": "0" * 64})
    assert "built from another gone.onnx than" in refused(bundle / "audio.onnx")


def test_no_engine_says_where_it_was_looked_for(bundle):
    said = refused(bundle / "audio.onnx")
    assert said == f"{bundle.parent / 'tones.engines'}: holds no engine of audio.onnx"
    lone = bundle.parent / "lone.plan"
    assert (
        refused(lone) == f"{lone.with_suffix('.json')}: cannot be read (No such file or directory)"
    )


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"format_version": 1}'])
def test_a_corrupt_sidecar_is_named(bundle, content):
    sidecar = engine_of(bundle)
    sidecar.write_bytes(content)
    assert refused(bundle / "audio.onnx").startswith(f"{sidecar}: not the sidecar of an engine (")


def test_a_sidecar_of_another_version_is_refused(bundle):
    sidecar = engine_of(bundle)
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"format_version": 9}))
    said = refused(bundle / "audio.onnx")
    assert said == f"{sidecar}: sidecar version 9, and this tinyalm reads 1"


def test_an_altered_or_missing_engine_is_named(bundle):
    sidecar = engine_of(bundle)
    info = find_engine(bundle / "audio.onnx", "sm89", VERSIONS)[1]
    plan = sidecar.with_suffix(".plan")
    plan.write_bytes(b"an enginE")
    with pytest.raises(BundleError, match="altered since it was built"):
        read_engine(sidecar, info)
    plan.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        read_engine(sidecar, info)


def test_a_failed_write_leaves_no_engine_with_the_sidecar_of_another(bundle):
    sidecar = engine_of(bundle)
    plan, info = (
        sidecar.with_suffix(".plan"),
        find_engine(bundle / "audio.onnx", "sm89", VERSIONS)[1],
    )
    plan.unlink()
    plan.mkdir()  # a file cannot take its place
    with pytest.raises(OSError, match="directory"):
        write_engine(plan, b"another", info)
    assert list(plan.parent.iterdir()) == [plan]


def test_the_first_profile_that_takes_the_shapes_is_used():
    small, large = Sizes([1, 10], [1, 10], [1, 20]), Sizes([1, 10], [8, 10], [8, 40])
    profiles = [{"x": small}, {"x": large}]
    found = [fitting_profile(Path("a"), profiles, {"x": [n, 20]}) for n in (1, 2, 8)]
    assert found == [0, 1, 1]
    assert fitting_profile(Path("a"), [], {}) == 0
    with pytest.raises(ConfigError, match=r"\[8, 40\].* not .*\[9, 10\].*larger --max-batch"):
        fitting_profile(Path("a"), profiles, {"x": [9, 10]})


def test_a_sidecar_says_all_that_it_was_made_from(bundle):
    sidecar = engine_of(bundle)
    assert msgspec.json.decode(sidecar.read_bytes()).keys() == set(EngineFile.__struct_fields__)


def has_gpu() -> bool:
    try:
        gpu()
    except MissingExtraError:
        return False
    return True


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_a_machine_without_a_gpu_says_what_runs_there():
    with pytest.raises(MissingExtraError) as error:
        TensorRtEngine()
    message = str(error.value)
    assert message.startswith(("no NVIDIA GPU with a driver", "TensorRT engines run through cuda"))
    assert "\n" not in message


@pytest.mark.skipif("tensorrt" in installed(), reason="the full TensorRT is installed")
def test_a_tensorrt_that_is_not_installed_names_the_extra():
    with pytest.raises(MissingExtraError, match=r"TensorRT cannot be imported .*\[tensorrt\]"):
        import_tensorrt("tensorrt")
