import base64
import json

import msgspec
import numpy as np
import onnx
import pytest
import torch

import tinyalm
from tests.export.students import META, WORDS, random_student, sounds
from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm.engine import engine
from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec, log_mel, program
from tinyalm.models.counting import parameters
from tinyalm_export.graphs import SHARED_SIZE
from tinyalm_export.parity import (
    INT8_MEAN_COSINE,
    LARGEST_ERROR,
    LOWEST_COSINE,
    check_parity,
    features_parity,
)

FILES = {
    "audio.onnx",
    "features.onnx",
    "frontend.logmel",
    "text.onnx",
    "tokenizer.json",
    "README.md",
}


@pytest.fixture(scope="module")
def student():
    return random_student()


@pytest.fixture(params=["fp32", "int8"])
def bundle(request):
    return request.getfixturevalue(request.param)


def cosine(a, b):
    return (a * b).sum(axis=-1)


def test_a_bundle_is_whole_and_says_what_it_is(bundle):
    manifest = read_bundle(bundle)
    assert set(manifest.files) == FILES
    assert manifest.frontend == META.frontend
    assert (bundle / manifest.program).read_bytes() == program(META.frontend)
    assert manifest.windows == META.windows
    assert (manifest.labels, manifest.template) == (META.labels, META.template)
    assert manifest.calibration == META.calibration
    assert manifest.provenance.data == META.provenance.data
    assert manifest.provenance.metrics["mean_cosine"] == 0.5
    assert manifest.audio.parameters == parameters(random_student().audio)
    (tensor,) = manifest.audio.inputs
    assert (tensor.name, tensor.dtype, tensor.shape) == (
        "waveform",
        "float32",
        ["batch", "samples"],
    )
    (tensor,) = manifest.audio.outputs
    assert (tensor.name, tensor.dtype, tensor.shape) == ("embedding", "float32", ["batch", 16])
    assert manifest.features.outputs == manifest.audio.outputs
    (tensor,) = manifest.features.inputs
    assert (tensor.name, tensor.dtype, tensor.shape) == (
        "log_mel",
        "float32",
        ["batch", "frames", 64],
    )
    assert [(t.name, t.dtype, t.shape) for t in manifest.text.graph.inputs] == [
        ("input_ids", "int64", ["batch", "tokens"]),
        ("attention_mask", "int64", ["batch", "tokens"]),
    ]


def test_parity_covers_lengths_and_batches(bundle):
    rows = read_bundle(bundle).parity
    assert {row.batch for row in rows} == {1, 4}
    lengths = {row.samples for row in rows}
    assert {7680, 15360, 160000} < lengths
    assert any(samples % 2 for samples in lengths)
    assert len(rows) == 8


def test_fp32_is_the_student(fp32):
    for row in read_bundle(fp32).parity:
        assert row.max_abs_error <= LARGEST_ERROR
        assert row.min_cosine >= LOWEST_COSINE


def test_int8_is_near_the_student_and_says_how_near(int8):
    manifest = read_bundle(int8)
    assert manifest.audio.precision == manifest.text.graph.precision == "int8"
    assert np.mean([row.min_cosine for row in manifest.parity]) >= INT8_MEAN_COSINE
    metrics = manifest.provenance.metrics
    assert 0.99 <= metrics["int8_min_cosine"] <= metrics["int8_mean_cosine"] <= 1.000001


@pytest.mark.parametrize(("batch", "samples"), [(1, 400), (2, 7681), (5, 30001)])
def test_the_audio_graph_takes_any_batch_and_length(bundle, student, batch, samples):
    waveform = np.resize(np.concatenate(sounds()), (batch, samples))
    graph = engine("onnxruntime").open(bundle / "audio.onnx", threads=1)
    found = graph.run({"waveform": waveform})["embedding"]
    with torch.no_grad():
        expected = student.audio(torch.from_numpy(waveform)).numpy()
    assert found.shape == (batch, 16)
    assert found.dtype == np.float32
    assert cosine(found, expected).min() > (0.9999 if "fp32" in str(bundle) else 0.97)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("tokens", [1, 3, 6])
def test_the_text_graph_ignores_padding(bundle, student, tokens):
    ids = np.random.default_rng(0).integers(12, size=(3, tokens))
    mask = np.ones_like(ids)
    padded = [np.pad(values, ((0, 0), (0, 2))) for values in (ids, mask)]
    graph = engine("onnxruntime").open(bundle / "text.onnx", threads=1)
    found = graph.run({"input_ids": ids, "attention_mask": mask})["embedding"]
    again = graph.run({"input_ids": padded[0], "attention_mask": padded[1]})["embedding"]
    np.testing.assert_allclose(found, again, atol=1e-6)
    with torch.no_grad():
        expected = student.text(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    assert cosine(found, expected).min() > (0.99999 if "fp32" in str(bundle) else 0.999)


@pytest.mark.parametrize("file", ["audio.onnx", "text.onnx"])
def test_a_graph_is_one_standard_file(bundle, file):
    model = onnx.load(bundle / file, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    functions = [("tinyalm", 1)] if file == "audio.onnx" else []
    assert [(e.domain, e.version) for e in model.opset_import] == [("", 18), *functions]
    assert model.ir_version == 10
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("frontend/", "encoder/", "text/")) for name in names)


def test_the_front_end_is_one_node(bundle):
    model = onnx.load(bundle / "audio.onnx")
    front, *encoder = model.graph.node
    assert (front.domain, front.op_type, front.name) == ("tinyalm", "LogMel", "frontend/log_mel")
    assert (list(front.input), list(front.output)) == (["waveform"], ["log_mel"])
    assert {node.domain for node in encoder} == {""}


@pytest.mark.parametrize(("batch", "samples"), [(1, 400), (2, 7681), (5, 30001)])
def test_the_features_graph_answers_to_log_mels_as_the_audio_graph_to_sound(bundle, batch, samples):
    waveform = np.resize(np.concatenate(sounds()), (batch, samples))
    log_mels = np.stack([log_mel(row, META.frontend) for row in waveform]).astype(np.float32)
    features, audio = (
        engine("onnxruntime").open(bundle / f"{name}.onnx", threads=1)
        for name in ("features", "audio")
    )
    found = features.run({"log_mel": log_mels})["embedding"]
    expected = audio.run({"waveform": waveform})["embedding"]
    assert found.shape == expected.shape
    assert cosine(found, expected).min() > 0.9999


def test_the_features_graph_has_no_weights_of_its_own(bundle):
    content = (bundle / "audio.onnx").read_bytes()
    onnx.checker.check_model(bundle / "features.onnx", full_check=True)
    model = onnx.load(bundle / "features.onnx", load_external_data=False)
    weights = {t.name: t for t in onnx.load(bundle / "audio.onnx").graph.initializer}
    assert {tensor.name for tensor in model.graph.initializer} == set(weights)
    for tensor in model.graph.initializer:
        raw = weights[tensor.name].raw_data
        if len(raw) < SHARED_SIZE:
            assert tensor.raw_data == raw
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert place["location"] == "audio.onnx"
        offset, length = int(place["offset"]), int(place["length"])
        assert not tensor.raw_data
        assert content[offset : offset + length] == raw
    assert model.ByteSize() < 70_000  # most of it are names


def test_a_features_graph_of_another_student_is_found(fp32, int8):
    run = engine("onnxruntime").open
    rows = features_parity(
        run(int8 / "features.onnx", threads=1),
        run(fp32 / "audio.onnx", threads=1),
        META.frontend,
        sounds(),
        META.windows,
    )
    with pytest.raises(ExportError, match=r"features graph differs from audio\.onnx by"):
        check_parity("features graph", "fp32", rows, to="audio.onnx")


@pytest.mark.parametrize("file", ["audio.onnx", "features.onnx"])
def test_a_graph_says_its_front_end_and_nothing_of_the_machine_that_made_it(bundle, file):
    model = onnx.load(bundle / file, load_external_data=False)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    front = "tinyalm.frontend"
    assert set(notes) == {"tinyalm.version", front, f"{front}.digest", f"{front}.program"}
    assert msgspec.json.decode(notes[front], type=LogMelSpec) == META.frontend
    assert notes[f"{front}.digest"] == META.frontend.digest()
    assert base64.b64decode(notes[f"{front}.program"]) == program(META.frontend)
    assert (model.producer_name, model.producer_version) == ("tinyalm", tinyalm.__version__)
    for file in bundle.iterdir():
        assert b"site-packages" not in file.read_bytes()
        assert b".py" not in file.read_bytes()


def test_int8_computes_in_integers_and_keeps_the_front_end_in_float(int8):
    model = onnx.load(int8 / "audio.onnx")
    made_by = {output: node for node in model.graph.node for output in node.output}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    in_float = [node for node in layers if made_by[node.input[0]].op_type != "DequantizeLinear"]
    assert [node.name for node in in_float] == ["encoder/body.layers.0.0/conv2d"]
    (front_end,) = model.functions
    assert not {"QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in front_end.node}


def test_int8_is_smaller(fp32, int8):
    def stored(bundle):
        graph = onnx.load(bundle / "audio.onnx").graph
        return sum(t.ByteSize() for t in graph.initializer if "weight" in t.name)

    assert stored(int8) < 0.5 * stored(fp32)


def test_a_loaded_bundle_tags(bundle):
    model = tinyalm.load(bundle)
    clip = model.tag(sounds()[3], list(WORDS[:3]), sample_rate=16000)
    assert {tag.label for tag in clip.tags} <= set(WORDS[:3])


def test_the_card_says_where_the_student_comes_from(int8):
    card = (int8 / "README.md").read_text()
    assert card.startswith("# small\n")
    assert "| noise | 12 | CC0-1.0 \\| public domain |" in card
    assert "| words.txt | texts | MIT |" in card
    assert "| mean cosine | 0.5 |" in card
    assert 'tinyalm.load("small.tinyalm")' in card
    assert card.count("| 160000 |") == 2
    assert json.loads((int8 / MANIFEST).read_text())["name"] == "small"
