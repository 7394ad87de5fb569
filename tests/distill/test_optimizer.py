import pytest
import torch

from tests.distill.test_teaching import batch, teaching
from tinyalm_distill.optimizer import make_optimizer, orthogonal
from tinyalm_distill.recipe import TrainConfig


@pytest.mark.parametrize("shape", [(3, 3), (4, 40), (40, 4)])
def test_an_orthogonal_update_has_singular_values_of_about_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert 0.6 < values.min() <= values.max() < 1.3
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.allclose(orthogonal(matrix), left @ right, atol=0.4)


def test_muon_moves_the_matrices_of_the_student_alone() -> None:
    taught = teaching(embedding=1.0, features=1.0)
    for optimizer, names in (
        ("adamw", {"matrices", "vectors"}),
        ("muon", {"muon", "matrices", "vectors"}),
    ):
        made = make_optimizer(taught, TrainConfig(optimizer=optimizer))
        groups = {group["name"]: group["params"] for group in made.param_groups}
        assert groups.keys() == names
        assert sum(map(len, groups.values())) == len(list(taught.parameters()))
    assert any(taught.student.head.project.weight is weight for weight in groups["muon"])
    assert any(taught.project.weight is weight for weight in groups["matrices"])
    pointwise = [weight.shape[2:] for weight in groups["muon"] if weight.ndim == 4]
    assert set(pointwise) == {(1, 1)}


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_step_lowers_the_loss_and_uses_the_rate(optimizer: str) -> None:
    taught = teaching(embedding=1.0)
    made = make_optimizer(taught, TrainConfig(optimizer=optimizer, learning_rate=1e-3))
    first = taught(batch())["total"]
    for _ in range(5):
        made.zero_grad()
        taught(batch())["total"].backward()
        made.step()
    assert taught(batch())["total"] < first
    before = {name: value.clone() for name, value in taught.student.state_dict().items()}
    for group in made.param_groups:
        group["lr"] = 0.0
    taught(batch())["total"].backward()
    made.step()
    changed = [
        name for name, value in taught.student.named_parameters() if (value != before[name]).any()
    ]
    assert changed == []
