"""The text graphs of both kinds, against torch."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer

from tests.export.students import META, save_checkpoint, tokenizer
from tinyalm.engine import Graph, engine
from tinyalm.models.text import (
    StaticTextConfig,
    TextStudent,
    TextStudentConfig,
    TransformerTextConfig,
    text_student,
)
from tinyalm_export.checkpoint_input import read_checkpoint
from tinyalm_export.graphs import file_content, stamp, text_graph
from tinyalm_export.parts import make_text
from tinyalm_export.quantize import quantize_text

CONFIGS = {
    "static": StaticTextConfig(embedding_dim=48, vocabulary=500, rank=32, max_tokens=9),
    "transformer": TransformerTextConfig(
        embedding_dim=48, vocabulary=500, rank=32, width=64, layers=2, max_tokens=9
    ),
}


def trained(config: TextStudentConfig) -> TextStudent:
    """A student in which every weight does something."""
    torch.manual_seed(0)
    student = text_student(config)
    with torch.no_grad():
        for weights in student.parameters():
            weights += 0.1 * torch.randn_like(weights)
    return student.eval()


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def exported(request: pytest.FixtureRequest) -> tuple[TextStudent, onnx.ModelProto]:
    student = trained(CONFIGS[request.param])
    return student, text_graph(student)


def opened(model: onnx.ModelProto, folder: Path) -> Graph:
    (folder / "text.onnx").write_bytes(file_content(stamp(model)))
    return engine("onnxruntime").open(folder / "text.onnx", threads=1)


@pytest.mark.parametrize(("batch", "tokens"), [(1, 1), (3, 5), (5, 9)])
def test_a_graph_answers_as_torch_does(
    exported: tuple[TextStudent, onnx.ModelProto], tmp_path: Path, batch: int, tokens: int
) -> None:
    student, model = exported
    ids = np.random.default_rng(0).integers(500, size=(batch, tokens))
    mask = np.ones_like(ids)
    mask[1:, 1 + tokens // 2 :] = 0
    with torch.no_grad():
        expected = student(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    for kind, lowest in ((model, 0.999999), (quantize_text(model), 0.999)):
        answer = opened(kind, tmp_path).run({"input_ids": ids, "attention_mask": mask})
        assert (answer["embedding"] * expected).sum(axis=1).min() > lowest


def test_int8_keeps_no_matrix_in_float(exported: tuple[TextStudent, onnx.ModelProto]) -> None:
    student, model = exported
    quantized = quantize_text(model)
    matrices = [t for t in quantized.graph.initializer if len(t.dims) == 2 and min(t.dims) > 9]
    assert len(matrices) >= 2
    assert {t.data_type for t in matrices} == {onnx.TensorProto.INT8}
    weights = sum(p.numel() for p in student.parameters())
    assert len(file_content(stamp(quantized))) < 1.35 * weights + 15_000


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_table_of_15_levels_takes_half_a_byte_a_number_and_loses_nothing(
    kind: str, tmp_path: Path
) -> None:
    student = trained(CONFIGS[kind])
    whole = len(file_content(stamp(quantize_text(text_graph(student)))))
    rows = student.table.weight
    with torch.no_grad():
        scales = rows.abs().amax(dim=1, keepdim=True) / 7
        rows.copy_(torch.round(rows / scales) * scales)
    ids = np.arange(500).reshape(100, 5)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    model = text_graph(student)
    packed = quantize_text(model)
    assert whole - len(file_content(stamp(packed))) > 0.5 * rows.numel() - 2_000
    (table,) = [t for t in packed.graph.initializer if list(t.dims) == [500, 16]]
    assert table.data_type == onnx.TensorProto.UINT8
    exact, found = (opened(each, tmp_path).run(inputs)["embedding"] for each in (model, packed))
    assert (exact * found).sum(axis=1).min() > 0.999


def test_the_tokenizer_is_written_compactly_and_splits_as_before(tmp_path: Path) -> None:
    config = json.loads(tokenizer())
    config["decoder"] = {"type": "WordPiece", "prefix": "##", "cleanup": True}
    (tmp_path / "student").mkdir()
    save_checkpoint(tmp_path / "student", tokenizer=json.dumps(config, indent=2))
    make_text(read_checkpoint(tmp_path / "student"), "int8", tmp_path)
    written = (tmp_path / "tokenizer.json").read_text()
    assert len(written) < 0.6 * len(json.dumps(config, indent=2))
    again = Tokenizer.from_str(written)
    assert (
        again.encode("dog barking far").ids
        == Tokenizer.from_str(tokenizer()).encode("dog barking far").ids
    )
    assert again.get_vocab_size() == META.text.vocabulary
