import msgspec
import pytest
import torch

from tinyalm.errors import ConfigError
from tinyalm.models.text import (
    StaticText,
    StaticTextConfig,
    TextStudentConfig,
    TransformerText,
    TransformerTextConfig,
    text_student,
)

STATIC = StaticTextConfig(embedding_dim=6, vocabulary=20, rank=4)
TRANSFORMER = TransformerTextConfig(
    embedding_dim=6, vocabulary=20, rank=4, width=8, layers=2, heads=2, max_tokens=5
)


def trained(config: TextStudentConfig) -> StaticText | TransformerText:
    """A student in which every weight does something."""
    torch.manual_seed(0)
    student = text_student(config)
    for weights in student.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    return student.eval()


def embed(student: StaticText | TransformerText, ids: list[int], padding: int = 0) -> torch.Tensor:
    padded, mask = ids + [3] * padding, [1] * len(ids) + [0] * padding
    with torch.inference_mode():
        embedding: torch.Tensor = student(torch.tensor([padded]), torch.tensor([mask]))[0]
    return embedding


@pytest.mark.parametrize("config", [STATIC, TRANSFORMER], ids=["static", "transformer"])
def test_an_embedding_has_unit_length_and_does_not_hear_padding(config: TextStudentConfig) -> None:
    student = trained(config)
    alone = embed(student, [5, 7, 9])
    assert alone.shape == (6,)
    assert float(alone.norm()) == pytest.approx(1, abs=1e-6)
    assert torch.allclose(embed(student, [5, 7, 9], padding=2), alone, atol=1e-6)


def test_a_static_student_is_the_projected_mean_of_its_rows() -> None:
    student = trained(STATIC)
    mean = student.table.weight[[5, 7]].mean(dim=0)
    expected = torch.nn.functional.normalize(student.project(mean), dim=0)
    assert torch.allclose(embed(student, [5, 7]), expected, atol=1e-6)
    assert torch.allclose(embed(student, [7, 5]), expected, atol=1e-6)


def test_a_transformer_knows_word_order() -> None:
    student = trained(TRANSFORMER)
    assert not torch.allclose(embed(student, [5, 7]), embed(student, [7, 5]), atol=1e-3)


def test_a_new_transformer_is_the_static_student() -> None:
    torch.manual_seed(1)
    student = text_student(TRANSFORMER)
    assert isinstance(student, TransformerText)
    lifted = student.lift(student.table.weight[[5, 7, 9]]).mean(dim=0)
    expected = torch.nn.functional.normalize(student.project(lifted), dim=0)
    assert torch.allclose(embed(student, [5, 7, 9]), expected, atol=1e-6)


def test_configs_are_told_apart_by_their_type() -> None:
    for config in (STATIC, TRANSFORMER):
        encoded = msgspec.json.encode(config)
        assert msgspec.json.decode(encoded, type=TextStudentConfig) == config
    unknown = b'{"type": "static", "embedding_dim": 6, "vocabulary": 20, "layers": 2}'
    with pytest.raises(msgspec.ValidationError, match="layers"):
        msgspec.json.decode(unknown, type=TextStudentConfig)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rank": 0}, "rank is 0; it must be at least 1"),
        ({"layers": 0}, "layers is 0; it must be at least 1"),
        ({"width": 9}, r"width is 9; it must be a multiple of heads \(2\)"),
        ({"rank": 16}, r"and at least rank \(16\)"),
    ],
)
def test_shapes_that_cannot_be_built_are_refused(fields: dict[str, int], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        msgspec.structs.replace(TRANSFORMER, **fields)
