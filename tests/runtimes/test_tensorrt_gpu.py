"""Engines on a GPU: the answers of ONNX Runtime, and how long they take. Skipped without one."""

import time
from pathlib import Path

import numpy as np
import pytest

import tinyalm
from tests.export.students import save_checkpoint, sounds
from tests.front_ends import EXACT, signal
from tinyalm.bundle import read_bundle
from tinyalm.engine import engine
from tinyalm.errors import MissingExtraError
from tinyalm.model import Model
from tinyalm.tensorrt import gpu
from tinyalm_export.exporter import export_bundle
from tinyalm_export.tensorrt.bundle_engines import build_engines
from tinyalm_runtimes.tensorrt_engine import TensorRtEngine


def why_not() -> str:
    """Why no engine runs here; empty where one does."""
    try:
        gpu()
    except MissingExtraError as error:
        return str(error)
    return ""


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "never skipped"),
]
LOWEST = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.99}


@pytest.fixture(scope="module", params=LOWEST)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny student's bundle with engines for this machine's GPU."""
    folder = tmp_path_factory.mktemp(request.param)
    bundle = folder / "tiny.tinyalm"
    checkpoint = save_checkpoint(folder / "checkpoint")
    export_bundle(checkpoint, bundle, precision=request.param, target="tensorrt")
    build_engines(bundle, gpus=["current"])
    return bundle


@pytest.mark.parametrize("frontend", ["graph", "auto"])
def test_embeddings_on_the_gpu_are_those_of_onnx_runtime(built, frontend):
    manifest = read_bundle(built)
    here = Model(built, manifest, TensorRtEngine(), frontend=frontend)
    there = tinyalm.load(built)
    lowest = LOWEST[manifest.audio.precision]
    for waveform in [*sounds(), signal("noise", 16000 * 5)]:
        one, other = (model.embed_audio(waveform, 16000) for model in (here, there))
        assert one @ other >= lowest
    for text in ("dog barking", "heavy rain"):
        np.testing.assert_allclose(
            here.embed_text([text]), there.embed_text([text]), rtol=0, atol=EXACT
        )


def test_batches_and_lengths_within_the_profile_agree_one_by_one(built):
    graph = TensorRtEngine().open(built / "audio.onnx", threads=1)
    for samples in (7680, 15360, 160000):
        batch = np.stack([signal("noise", samples, seed=seed) for seed in range(4)])
        together = graph.run({"waveform": batch})["embedding"]
        alone = [graph.run({"waveform": row[None]})["embedding"][0] for row in batch]
        assert (together * np.stack(alone)).sum(axis=1).min() > 0.999


def test_the_time_of_a_window_is_reported(built, record_property):
    """Median and 95th percentile of 100 calls, against ONNX Runtime on one thread."""
    window = signal("noise", 15360)[None]
    answers = []
    engines = {"tensorrt": TensorRtEngine(), "onnxruntime": engine("onnxruntime")}
    for name, found in engines.items():
        graph = found.open(built / "audio.onnx", threads=1)
        answers.append(graph.run({"waveform": window})["embedding"][0])
        times = []
        for _ in range(100):
            begin = time.perf_counter()
            graph.run({"waveform": window})
            times.append(time.perf_counter() - begin)
        for percent in (50, 95):
            milliseconds = 1e3 * float(np.percentile(times, percent))
            record_property(f"{name}_p{percent}_ms", round(milliseconds, 3))
    assert answers[0] @ answers[1] >= LOWEST[read_bundle(built).audio.precision]
