import json
from collections import Counter

import msgspec
import numpy as np
import onnx
import pytest
import torch

import tinyalm
from tests.export.students import META, WORDS, random_student, sounds
from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm.engine import engine
from tinyalm.frontend import LogMelSpec
from tinyalm.models.audio import parameters
from tinyalm_export.parity import INT8_MEAN_COSINE, LARGEST_ERROR, LOWEST_COSINE


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
    assert set(manifest.files) == {"audio.onnx", "text.onnx", "tokenizer.json", "README.md"}
    assert manifest.frontend == META.frontend
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
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert model.ir_version == 10
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    operators = Counter(node.op_type for node in model.graph.node)
    assert not {"STFT", "DFT", "BatchNormalization"} & set(operators)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("frontend/", "encoder/", "text/")) for name in names)


def test_a_graph_says_its_front_end_and_nothing_of_the_machine_that_made_it(bundle):
    model = onnx.load(bundle / "audio.onnx")
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert set(notes) == {"tinyalm.version", "tinyalm.frontend", "tinyalm.frontend.digest"}
    assert msgspec.json.decode(notes["tinyalm.frontend"], type=LogMelSpec) == META.frontend
    assert notes["tinyalm.frontend.digest"] == META.frontend.digest()
    assert (model.producer_name, model.producer_version) == ("tinyalm", tinyalm.__version__)
    for file in bundle.iterdir():
        assert b"site-packages" not in file.read_bytes()
        assert b".py" not in file.read_bytes()


def test_int8_computes_in_integers_and_keeps_the_front_end_in_float(int8):
    model = onnx.load(int8 / "audio.onnx")
    made_by = {output: node for node in model.graph.node for output in node.output}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    in_float = [node for node in layers if made_by[node.input[0]].op_type != "DequantizeLinear"]
    assert [node.name for node in in_float] == ["encoder/layers.0.0/conv2d"]
    for node in model.graph.node:
        if node.name.startswith("frontend/"):
            assert node.op_type not in ("QuantizeLinear", "DequantizeLinear")


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
    assert "| mean cosine | 0.5 |" in card
    assert 'tinyalm.load("small.tinyalm")' in card
    assert card.count("| 160000 |") == 2
    assert json.loads((int8 / MANIFEST).read_text())["name"] == "small"
