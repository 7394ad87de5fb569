import pytest
import torch

from tinyalm.errors import ConfigError
from tinyalm.models.audio import deterministic_init
from tinyalm.models.counting import cost
from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import SeparableBlock, SeparableConfig
from tinyalm_distill.inheritance import inherit, reduced_rank
from tinyalm_distill.rank_allocation import Sensitivity, measure, shape_for
from tinyalm_distill.recipe import Inherit

FULL = SeparableConfig(
    stem=32,
    blocks=(
        SeparableBlock(outputs=64),
        SeparableBlock(outputs=96, stride=2),
        SeparableBlock(outputs=96),
        SeparableBlock(outputs=128, stride=2),
    ),
)


def cut(**changes: int) -> SeparableConfig:
    blocks = tuple(
        SeparableBlock(
            outputs=changes.get("outputs", block.outputs),
            stride=block.stride,
            rank=changes.get("rank", block.rank),
        )
        for block in FULL.blocks
    )
    return SeparableConfig(stem=changes.get("stem", FULL.stem), blocks=blocks)


@pytest.fixture(scope="module")
def teacher() -> SeparableBody:
    body = SeparableBody(FULL).eval()
    deterministic_init(body, 1)
    return body


@pytest.fixture(scope="module")
def sounds() -> torch.Tensor:
    return torch.randn(24, 40, 32, generator=torch.Generator().manual_seed(2))


def error(teacher: SeparableBody, student: SeparableBody, sounds: torch.Tensor) -> float:
    with torch.inference_mode():
        exact, own = (body(sounds).mean(dim=(2, 3)) for body in (teacher, student))
    return float((own - exact).square().sum() / (exact - exact.mean(dim=0)).square().sum())


def test_at_full_size_a_student_answers_as_its_teacher(
    teacher: SeparableBody, sounds: torch.Tensor
) -> None:
    student = inherit(teacher, FULL, sounds)
    with torch.inference_mode():
        assert torch.equal(student(sounds), teacher(sounds))


def test_a_factorised_student_of_full_rank_answers_alike(
    teacher: SeparableBody, sounds: torch.Tensor
) -> None:
    blocks = tuple(
        SeparableBlock(outputs=b.outputs, stride=b.stride, rank=min(i, b.outputs))
        for i, b in zip((32, 64, 96, 96), FULL.blocks, strict=True)
    )
    student = inherit(teacher, SeparableConfig(stem=FULL.stem, blocks=blocks), sounds)
    assert error(teacher, student, sounds) < 1e-3


def test_the_more_is_cut_the_more_is_lost_and_fitting_beats_chance(
    teacher: SeparableBody, sounds: torch.Tensor
) -> None:
    errors = [error(teacher, inherit(teacher, cut(rank=r), sounds), sounds) for r in (24, 12, 6)]
    assert errors == sorted(errors)
    random = SeparableBody(cut(rank=12)).eval()
    deterministic_init(random, 3)
    assert errors[1] < error(teacher, random, sounds)


def test_an_inherited_body_can_be_trained(teacher: SeparableBody, sounds: torch.Tensor) -> None:
    student = inherit(teacher, cut(rank=6, outputs=24, stem=16), sounds)
    student(sounds).square().mean().backward()
    assert all(p.grad is not None for p in student.parameters())


def test_reduced_rank_regression_finds_a_map_of_that_rank() -> None:
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(500, 12, generator=draw)
    true = torch.randn(9, 3, generator=draw) @ torch.randn(3, 12, generator=draw)
    outputs = inputs @ true.T + torch.arange(9.0)
    inner, outer, bias = reduced_rank(inputs, outputs, 3)
    assert inner.shape == (3, 12)
    assert outer.shape == (9, 3)
    assert torch.allclose(inputs @ (outer @ inner).T + bias, outputs, atol=0.01)


def test_reduced_rank_regression_beats_truncating_the_weights() -> None:
    """Directions that the inputs hardly take cost nothing to leave out."""
    draw = torch.Generator().manual_seed(0)
    scale = torch.logspace(1, -2, 12)
    inputs = torch.randn(500, 12, generator=draw) * scale
    weights = torch.randn(9, 12, generator=draw) / scale.sqrt()
    outputs = inputs @ weights.T
    inner, outer, bias = reduced_rank(inputs, outputs, 2)
    fitted = (inputs @ (outer @ inner).T + bias - outputs).square().mean()
    u, s, v = torch.linalg.svd(weights)
    truncated = (inputs @ (u[:, :2] * s[:2] @ v[:2]).T - outputs).square().mean()
    assert fitted < 0.8 * truncated


def test_ranks_are_allotted_within_the_budget(teacher: SeparableBody, sounds: torch.Tensor) -> None:
    whole = cost(teacher, sounds[:1]).macs
    for share in (0.9, 0.6):
        shape = shape_for(teacher, Inherit(macs=share), sounds)
        macs = cost(SeparableBody(shape), sounds[:1]).macs
        assert 0.85 * share * whole < macs <= share * whole
    assert len({block.rank for block in shape.blocks}) > 1  # not all of one size


def test_a_budget_below_the_thinnest_body_is_refused(
    teacher: SeparableBody, sounds: torch.Tensor
) -> None:
    with pytest.raises(ConfigError, match=r"lower audio\.body\.width"):
        shape_for(teacher, Inherit(macs=0.01), sounds)
    narrow = shape_for(teacher, Inherit(macs=0.5, width=0.5), sounds)
    assert [block.outputs for block in narrow.blocks] == [32, 48, 48, 64]


def test_sensitivities_fall_with_rank(teacher: SeparableBody, sounds: torch.Tensor) -> None:
    for one in measure(teacher, sounds):
        assert one.errors[0] > one.errors[-1]


def test_errors_between_ranks_are_interpolated() -> None:
    known = Sensitivity(0, [4, 16], [0.4, 0.1])
    assert known.error(4) == pytest.approx(0.4)
    assert known.error(8) == pytest.approx(0.2)  # a power law: half as much at twice the rank
    assert known.error(2) == pytest.approx(0.8)
    assert known.error(64) == pytest.approx(0.1)
