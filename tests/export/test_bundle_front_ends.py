"""An exported bundle with the native kernel before its features graph, and with one graph."""

import numpy as np
import pytest

import tinyalm
from tests.fakes import make_bundle
from tests.front_ends import signal
from tinyalm.errors import BundleError, ConfigError
from tinyalm_runtimes.native_library import LIBRARY

needs_kernel = pytest.mark.skipif(not LIBRARY.exists(), reason="no C++ compiler at installation")


@needs_kernel
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_both_front_ends_give_the_same_embeddings(request, precision):
    path = request.getfixturevalue(precision)
    native, graph = (tinyalm.load(path, frontend=name) for name in ("native", "graph"))
    assert native.frontend.startswith("native (")
    assert graph.frontend == "graph"
    assert tinyalm.load(path).frontend == native.frontend
    for kind in ("noise", "chirp", "impulse", "clipped"):
        for size in (2000, 16000 * 5 + 3):
            waveform = signal(kind, size)
            one, other = (m.embed_audio(waveform, sample_rate=16000) for m in (native, graph))
            # int8: where a value lies on the edge between two steps, either is right.
            assert one @ other > (1 - 1e-6 if precision == "fp32" else 0.999)
            if precision == "fp32":
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)


def test_a_bundle_without_a_features_graph_runs_in_its_one_graph(tmp_path):
    path = make_bundle(tmp_path / "tones.tinyalm")
    assert tinyalm.load(path).frontend == "graph"
    with pytest.raises(BundleError, match="has no graph for the native front end"):
        tinyalm.load(path, frontend="native")


def test_an_unknown_front_end_is_refused(bundle):
    with pytest.raises(ConfigError, match="'fpga' is none of auto, native and graph"):
        tinyalm.load(bundle, frontend="fpga")


@needs_kernel
def test_a_damaged_front_end_is_one_line(fp32, tmp_path):
    import hashlib
    import json
    import shutil

    path = shutil.copytree(fp32, tmp_path / "damaged.tinyalm")
    program = path / "frontend.logmel"
    program.write_bytes(program.read_bytes()[:-4])
    manifest = json.loads((path / "bundle.json").read_text())
    manifest["files"]["frontend.logmel"] = {
        "bytes": program.stat().st_size,
        "sha256": hashlib.sha256(program.read_bytes()).hexdigest(),
    }
    (path / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"truncated.*export the bundle again"):
        tinyalm.load(path)
