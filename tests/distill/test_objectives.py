"""Values worked out by hand on small matrices, with softmax and sigmoid written out."""

import math

import pytest
import torch
from torch import Tensor, tensor

from tinyalm_distill.objectives import (
    affinity_mimicking,
    classification,
    cosine_distance,
    feature_cosine_distance,
    feature_squared_error,
    label_divergence,
    matching,
    relational_angle,
    relational_distance,
    squared_distance,
    tagging,
)

X, Y = [1.0, 0.0], [0.0, 1.0]
TURNED = tensor([[0.0, 1.0], [-1.0, 0.0]])  # by a right angle


def random_rows(count: int, dim: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(count, dim, generator=draw), dim=1)


def kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a)


def softmax(logits: list[float]) -> list[float]:
    total = sum(map(math.exp, logits))
    return [math.exp(value) / total for value in logits]


def test_cosine_distance() -> None:
    # Same direction, at right angles, opposite: 0, 1 and 2.
    student = tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    assert cosine_distance(student, tensor([X, X, X])).item() == pytest.approx(1.0)


def test_squared_distance() -> None:
    student, teacher = tensor([[3.0, 0.0], X]), tensor([[0.0, 4.0], X])
    assert squared_distance(student, teacher).item() == pytest.approx((25 + 0) / 2)
    a, b = random_rows(5, 3), random_rows(5, 3, seed=1)
    assert squared_distance(a, b).item() == pytest.approx(2 * cosine_distance(a, b).item())


def test_features_are_projected() -> None:
    projection = tensor([[1.0], [1.0]])  # from one number to two
    student = tensor([[[2.0], [3.0]]])  # (batch 1, frames 2, dim 1) -> (2, 2) and (3, 3)
    teacher = tensor([[[2.0, 0.0], [3.0, 3.0]]])
    assert feature_squared_error(student, teacher, projection).item() == pytest.approx(4 / 4)
    expected = ((1 - 1 / math.sqrt(2)) + 0) / 2
    assert feature_cosine_distance(student, teacher, projection).item() == pytest.approx(expected)


def test_a_projection_is_learned_with_the_student() -> None:
    projection = torch.ones(2, 1, requires_grad=True)
    loss = feature_squared_error(tensor([[2.0]]), tensor([[2.0, 0.0]]), projection)
    torch.autograd.backward(loss)
    assert projection.grad is not None
    assert projection.grad.flatten().tolist() == [0, 4]  # 2 * (2 - 0) * 2 / 2 numbers


def test_affinity_mimicking() -> None:
    # The student tells the two pairs apart; to the teacher both texts are one.
    student = tensor([X, Y])
    teacher_audio, teacher_text = tensor([X, Y]), tensor([X, X])
    found = affinity_mimicking(student, student, teacher_audio, teacher_text, temperature=0.5)
    sure = softmax([2.0, 0.0])
    texts_of_sounds = (kl([0.5, 0.5], sure) + kl([0.5, 0.5], sure[::-1])) / 2
    sounds_of_texts = (kl(sure, sure) + kl(sure, sure[::-1])) / 2
    assert found.item() == pytest.approx((texts_of_sounds + sounds_of_texts) / 2)


def test_affinity_needs_no_common_space() -> None:
    rows = random_rows(4, 2)
    wide = torch.nn.functional.pad(rows @ TURNED, (3, 0))  # the same angles in five dimensions
    assert affinity_mimicking(rows, rows, wide, wide, temperature=0.1).item() == pytest.approx(
        0, abs=1e-6
    )


def test_label_divergence() -> None:
    bank = tensor([X, Y])
    found = label_divergence(tensor([X, Y]), tensor([Y, Y]), bank, temperature=0.5)
    sure = softmax([2.0, 0.0])
    assert found.item() == pytest.approx((kl(sure[::-1], sure) + 0) / 2)


def test_relational_distance() -> None:
    # Sides 3, 4, 5 of mean 4, and 1, 1, 2 of mean 4/3.
    student = tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    teacher = tensor([[0.0], [1.0], [-1.0]])
    apart = [3 / 4 - 3 / 4, 4 / 4 - 3 / 4, 5 / 4 - 6 / 4]
    expected = sum(0.5 * value**2 for value in apart) / 3
    assert relational_distance(student, teacher).item() == pytest.approx(expected)
    assert relational_distance(student, 7 * student @ TURNED).item() == pytest.approx(0)


def test_relational_angle() -> None:
    # Cosines at the corners of a right-angled triangle with equal legs: 0, and twice 1/sqrt(2);
    # on a line, from the middle and from the ends: -1, 1, 1. Each comes twice among six triples.
    student = tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    teacher = tensor([[0.0], [1.0], [-1.0]])
    leg = 0.5 * (1 - 1 / math.sqrt(2)) ** 2
    assert relational_angle(student, teacher).item() == pytest.approx((0.5 + 2 * leg) / 3)
    assert relational_angle(student, 7 * student @ TURNED + 1).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("relation", [relational_distance, relational_angle])
def test_relations_have_a_gradient_where_rows_coincide(relation) -> None:
    student = tensor([X, X, Y, [1.0, 1.0]], requires_grad=True)
    torch.autograd.backward(relation(student, random_rows(4, 3)))
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert student.grad.abs().sum() > 0


def test_classification() -> None:
    logits = tensor([[math.log(3), 0.0], [0.0, 0.0]])  # probabilities 3/4, 1/4 and halves
    targets = tensor([[1.0, 0.0], [0.5, 0.5]])
    expected = (-math.log(3 / 4) - math.log(1 / 2)) / 2
    assert classification(logits, targets).item() == pytest.approx(expected)


def test_tagging() -> None:
    logits = tensor([[math.log(3), math.log(3)]])  # 3/4 for both
    expected = (-math.log(3 / 4) - math.log(1 / 4)) / 2
    assert tagging(logits, tensor([[1.0, 0.0]])).item() == pytest.approx(expected)


def test_matching_asks_about_the_hardest_negatives() -> None:
    audio, text = tensor([X, Y, X]), tensor([X, Y, [0.6, 0.8]])
    # Cosines: 1 0 .6 / 0 1 .8 / 1 0 .6. Hardest by text: 1, 0, .8; by sound: .6, .8, 1.
    found = matching(audio, text, scale=2.0, bias=-1.0)
    own = [math.log(1 + math.exp(1 - 2 * c)) for c in (1, 1, 0.6)]
    wrong = [math.log(1 + math.exp(2 * c - 1)) for c in (1, 0, 0.8, 0.6, 0.8, 1)]
    assert found.item() == pytest.approx((sum(own) / 3 + sum(wrong) / 6) / 2)


def test_matching_takes_no_positive_for_a_negative() -> None:
    both = tensor([X, X])
    audio = both.clone().requires_grad_()
    loss = matching(audio, both, scale=1.0, bias=0.0, positives=torch.ones(2, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)) / 2)
    torch.autograd.backward(loss)
    assert audio.grad is not None
    assert torch.isfinite(audio.grad).all()
