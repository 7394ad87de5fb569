"""A tiny CLAP checkpoint as ONNX: exported once, and asked by every engine that is here."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from tokenizers import Tokenizer
from transformers import ClapFeatureExtractor, ClapModel

from tests.distill.teachers.models import RATE, SENTENCES, clap_config, save_clap, shaken, sounds
from tests.export.engines import GENERATIONS, needs_tensorrt
from tinyalm.cli.main import cli
from tinyalm.engine import engine
from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec, log_mel, preset
from tinyalm_export.graph_text import as_model
from tinyalm_export.teachers.engines import build_teacher_engines
from tinyalm_export.teachers.graphs import window_function
from tinyalm_export.teachers.manifest import TeacherManifest, file_info
from tinyalm_export.teachers.proof import prove_text
from tinyalm_export.teachers.source import read_teacher
from tinyalm_export.teachers.towers import AudioTower, audio_answer

Ask = Callable[..., np.ndarray]
TOLERANCE = 1e-4
LENGTHS = (1.0, 3.3, 10.0)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    """The checkpoint. Not to be written to."""
    folder = save_clap(tmp_path_factory.mktemp("teacher") / "clap-tiny", fused=False)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    return folder


@pytest.fixture(scope="module")
def out(teacher, tmp_path_factory) -> Path:
    """What the command makes of it."""
    out = tmp_path_factory.mktemp("exported") / "tiny"
    args = ["export", f"clap:{teacher}", "--out", str(out), "--accept-licence", "CC-BY-NC"]
    ended = CliRunner().invoke(cli, args)
    assert ended.exit_code == 0, ended.output
    assert f"wrote {out}: clap:clap-tiny, licence cc-by-nc-4.0" in ended.output
    return out


@pytest.fixture(scope="module")
def manifest(out) -> TeacherManifest:
    return msgspec.json.decode((out / "teacher.json").read_bytes(), type=TeacherManifest)


@pytest.fixture(scope="module")
def ask(out) -> Ask:
    graphs = {
        name: engine("onnxruntime").open(out / f"{name}.onnx", threads=1)
        for name in ("audio", "features", "text")
    }
    return lambda name, **inputs: graphs[name].run(inputs)["embedding"]


@pytest.fixture(scope="module")
def model(teacher) -> ClapModel:
    return ClapModel.from_pretrained(teacher).eval()


def test_the_manifest_says_what_was_made_and_how_it_was_proven(out, manifest):
    assert sorted(path.name for path in out.iterdir()) == sorted([*manifest.files, "teacher.json"])
    assert all(file_info(out / name) == info for name, info in manifest.files.items())
    assert (manifest.name, manifest.licence) == ("clap:clap-tiny", "cc-by-nc-4.0")
    interfaces = {
        graph.file: [(t.name, t.dtype, t.shape) for t in (*graph.inputs, *graph.outputs)]
        for graph in manifest.graphs
    }
    ids, embedding = ["batch", "tokens"], ("embedding", "float32", ["batch", 24])
    assert interfaces == {
        "audio.onnx": [("waveform", "float32", ["batch", "samples"]), embedding],
        "features.onnx": [("log_mel", "float32", ["batch", 1001, 64]), embedding],
        "text.onnx": [("input_ids", "int64", ids), ("attention_mask", "int64", ids), embedding],
    }
    proven = {(row.graph, row.batch, row.length) for row in manifest.parity}
    assert {("audio.onnx", 3, 48000), ("features.onnx", 1, 1001), ("text.onnx", 3, 80)} <= proven
    assert max(row.max_abs_error for row in manifest.parity) <= manifest.largest_error == TOLERANCE


def test_every_graph_is_one_file_that_says_what_it_is(out, manifest):
    for file in ("audio.onnx", "features.onnx", "text.onnx"):
        graph = onnx.load(out / file, load_external_data=False)
        notes = {note.key: note.value for note in graph.metadata_props}
        assert notes["tinyalm.teacher"] == manifest.name
        assert notes["tinyalm.versions.torch"] == torch.__version__
        if file != "text.onnx":
            spec = msgspec.json.decode(notes["tinyalm.frontend"], type=LogMelSpec)
            assert spec == manifest.frontend
        assert {opset.version for opset in graph.opset_import if not opset.domain} == {18}
        assert not any(tensor.external_data for tensor in graph.graph.initializer)
        assert not {"Resize", "If", "Loop"} & {node.op_type for node in graph.graph.node}


def test_sounds_are_heard_as_transformers_hears_them(teacher, model, ask):
    extractor = ClapFeatureExtractor.from_pretrained(teacher)
    for sound in sounds(LENGTHS):
        features = extractor(sound, sampling_rate=RATE, return_tensors="pt")["input_features"]
        with torch.inference_mode():
            answer = model.get_audio_features(input_features=features)
        expected = answer.pooler_output.numpy()
        given = ask("audio", waveform=np.stack([sound, sound]))
        np.testing.assert_allclose(given, np.repeat(expected, 2, axis=0), rtol=0, atol=TOLERANCE)
        read = ask("features", log_mel=features[:, 0].numpy())
        np.testing.assert_allclose(read, expected, rtol=0, atol=TOLERANCE)


def test_sounds_differ_and_what_follows_the_window_is_not_heard(ask):
    one, other = sounds((12.0, 12.0))
    given = ask("audio", waveform=np.stack([one, other]))
    np.testing.assert_allclose(np.linalg.norm(given, axis=1), 1, atol=1e-6)
    assert given[0] @ given[1] < 0.999
    cut = ask("audio", waveform=np.stack([one, other])[:, : 10 * RATE])
    np.testing.assert_array_equal(given, cut)


def test_texts_of_unlike_lengths_are_read_as_if_alone(out, model, manifest, ask):
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    texts = [tokenizer.encode(sentence).ids for sentence in SENTENCES]
    longest = max(map(len, texts))
    pad = manifest.pad_token_id
    ids = np.array([text + [pad] * (longest - len(text)) for text in texts])
    given = ask("text", input_ids=ids, attention_mask=(ids != pad).astype(np.int64))
    for text, row in zip(texts, given, strict=True):
        with torch.inference_mode():
            read = model.get_text_features(input_ids=torch.tensor([text]))
        np.testing.assert_allclose(row, read.pooler_output[0].numpy(), rtol=0, atol=TOLERANCE)


def test_a_fused_model_hears_its_one_crop():
    model = shaken(ClapModel(clap_config(fused=True)))
    mel = log_mel(sounds((10.0,))[0], preset("clap-htsat-fused"))
    given = torch.from_numpy(mel[None].astype(np.float32))
    with torch.inference_mode():
        folded = AudioTower(model, 1001).eval()(given)
    torch.testing.assert_close(folded, audio_answer(model, given), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
def test_short_sounds_become_windows_as_transformers_pads_them(padding):
    size = 10
    function = window_function(size, padding)
    graph = onnx.parser.parse_graph(
        "w (float[b, n] waveform) => (float[b, m] window) { window = tinyalm.Window(waveform) }"
    )
    window = onnxruntime.InferenceSession(as_model(graph, [function]).SerializeToString())
    for length in (0, 1, 3, 4, 9, 10, 13):
        waveform = np.arange(1, 2 * length + 1, dtype=np.float32).reshape(2, length)
        heard = waveform[:, :size]
        times = max(1, size // max(1, length) + (padding == "repeat")) if padding != "pad" else 1
        tiled = np.tile(heard, (1, times))[:, :size]
        expected = np.pad(tiled, ((0, 0), (0, size - tiled.shape[1])))
        (given,) = window.run(None, {"waveform": waveform})
        np.testing.assert_array_equal(given, expected)


def test_another_checkpoints_answers_are_refused(out, tmp_path):
    other = read_teacher(save_clap(tmp_path / "other", fused=False))
    text = engine("onnxruntime").open(out / "text.onnx", threads=1)
    with pytest.raises(ExportError, match=r"text\.onnx differs from torch by .* at most 0\.0001"):
        prove_text(other, text)


@needs_tensorrt
def test_it_becomes_engines_for_three_generations_in_one_call(out, manifest):
    made = build_teacher_engines(out, manifest, gpus=GENERATIONS, max_batch=2)
    assert [path.name for path, _ in made] == [
        f"{graph}.sm86-sm89-sm120.plan" for graph in ("audio", "features", "text")
    ]
    for path, info in made:
        assert path.parent == out.with_name("tiny.engines")
        assert (info.gpus, info.bytes) == (GENERATIONS, path.stat().st_size)


WEB = """
const fs = require("fs");
const ort = require("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const { model, inputs } = JSON.parse(fs.readFileSync(0));
(async () => {
  const session = await ort.InferenceSession.create(fs.readFileSync(model));
  const feeds = {};
  for (const [name, { type, dims, data }] of Object.entries(inputs)) {
    const values = type === "int64" ? BigInt64Array.from(data, BigInt) : Float32Array.from(data);
    feeds[name] = new ort.Tensor(type, values, dims);
  }
  const { embedding } = await session.run(feeds);
  console.log(JSON.stringify(Array.from(embedding.data)));
})();
"""


PACKAGES = Path(__file__).parents[2] / "runtimes" / "web"  # where npm installs them


def no_web() -> str:
    """Why ONNX Runtime's web build cannot be run; empty where it can."""
    if not (node := shutil.which("node")):
        return "node is not installed"
    found = subprocess.run(
        [node, "-e", 'require.resolve("onnxruntime-web")'],
        cwd=PACKAGES,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return "npm's packages are not installed: make page" if found.returncode else ""


@pytest.mark.skipif(bool(no_web()), reason=no_web() or "never skipped")
@pytest.mark.parametrize("graph", ["audio", "text", "student"])
def test_a_browsers_engine_answers_alike(out, fp32, graph):
    ids = np.array([[0, 5, 6, 7, 2], [0, 5, 2, 1, 1]])
    inputs = {
        "audio": {"waveform": np.stack(sounds((1.0, 1.0)))},
        "text": {"input_ids": ids, "attention_mask": (ids != 1).astype(np.int64)},
        "student": {"waveform": np.stack(sounds((1.0, 1.0), 16000))},
    }[graph]
    path = fp32 / "audio.onnx" if graph == "student" else out / f"{graph}.onnx"
    job = {
        name: {"type": str(v.dtype), "dims": v.shape, "data": v.ravel().tolist()}
        for name, v in inputs.items()
    }
    ended = subprocess.run(
        ["node", "-e", WEB],
        cwd=PACKAGES,
        input=json.dumps({"model": str(path), "inputs": job}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    expected = engine("onnxruntime").open(path, threads=1).run(inputs)["embedding"]
    given = np.reshape(json.loads(ended.stdout), expected.shape)
    np.testing.assert_allclose(given, expected, rtol=0, atol=TOLERANCE)
