import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, tensor

from tinyalm_distill.objectives import contrast, hardness_weights, info_nce, teacher_weights

EYE = torch.eye(2)


def rows(count: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    made = torch.randn(count, 4, generator=draw, dtype=torch.float64)
    return torch.nn.functional.normalize(made, dim=1)


def test_info_nce() -> None:
    # Every row and column has the logits 2 and 0.
    expected = math.log(1 + math.exp(-2))
    assert info_nce(EYE, EYE, temperature=0.5).item() == pytest.approx(expected)
    # Both texts alike: sounds cannot choose; texts choose rightly and wrongly.
    same = tensor([[1.0, 0.0], [1.0, 0.0]])
    sounds = math.log(2)
    texts = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2))) / 2
    assert info_nce(EYE, same, temperature=0.5).item() == pytest.approx((sounds + texts) / 2)


def test_info_nce_of_several_positives_is_their_mean() -> None:
    text = tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    positives = tensor([[True, True, False], [False, False, True]])
    sounds = [
        math.log(math.e + math.exp(0.6) + 1) - (1 + 0.6) / 2,
        math.log(1 + math.exp(0.8) + math.e) - 1,
    ]
    texts = [
        math.log(math.e + 1) - 1,
        math.log(math.exp(0.6) + math.exp(0.8)) - 0.6,
        math.log(1 + math.e) - 1,
    ]
    found = info_nce(EYE, text, temperature=1.0, positives=positives)
    assert found.item() == pytest.approx((sum(sounds) / 2 + sum(texts) / 3) / 2)


def test_the_temperature_can_be_learned() -> None:
    temperature = tensor(0.5, requires_grad=True)
    loss = info_nce(EYE, EYE, temperature=temperature) + contrast(
        tensor([1.0]), tensor([[0.0]]), temperature=temperature
    )
    torch.autograd.backward(loss)
    # d/dt log(1 + exp(-1/t)) = exp(-1/t) / (1 + exp(-1/t)) / t^2, of both.
    slope = math.exp(-2) / (1 + math.exp(-2)) * 4
    assert temperature.grad is not None
    assert temperature.grad.item() == pytest.approx(2 * slope)


def test_contrast() -> None:
    found = contrast(tensor([1.0, 0.0]), tensor([[0.0, 0.5], [1.0, -1.0]]), temperature=0.5)
    one = math.log(math.exp(2) + 1 + math.e) - 2
    other = math.log(1 + math.exp(2) + math.exp(-2))
    assert found.item() == pytest.approx((one + other) / 2)


def test_weights_of_negatives() -> None:
    weights = tensor([[3.0, 0.0]])
    found = contrast(tensor([0.5]), tensor([[0.0, 1.0]]), temperature=0.5, weights=weights)
    assert found.item() == pytest.approx(math.log(math.e + 3) - 1)


def test_without_negatives_nothing_is_to_be_learned() -> None:
    positive = tensor([0.3, 0.2], requires_grad=True)
    negative = torch.rand(2, 3, requires_grad=True)
    loss = contrast(positive, negative, temperature=0.01, weights=torch.zeros(2, 3), prior=0.1)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    torch.autograd.backward(loss)
    for grad in (positive.grad, negative.grad):
        assert grad is not None
        assert grad.abs().max() < 1e-6


def test_debiasing_takes_the_expected_positives_off() -> None:
    found = contrast(tensor([1.0]), tensor([[1.0, 0.0]]), temperature=1.0, prior=0.25)
    mass = (math.e + 1 - 0.25 * 2 * math.e) / 0.75
    assert found.item() == pytest.approx(math.log(math.e + mass) - 1)


def test_debiased_negatives_are_never_farther_than_opposite() -> None:
    found = contrast(tensor([1.0]), tensor([[-1.0, -1.0]]), temperature=1.0, prior=0.5)
    assert found.item() == pytest.approx(math.log(math.e + 2 * math.exp(-1)) - 1)


@pytest.mark.parametrize("temperature", [0.01, 0.001])
def test_low_temperatures_do_not_overflow(temperature: float) -> None:
    negative = tensor([[1.0, -1.0]], requires_grad=True)
    loss = contrast(tensor([0.0]), negative, temperature=temperature, prior=0.01)
    assert loss.item() == pytest.approx(1 / temperature, rel=0.01)
    torch.autograd.backward(loss)
    assert negative.grad is not None
    assert torch.isfinite(negative.grad).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 6))
def test_against_its_batch_contrast_is_info_nce(seed: int, batch: int) -> None:
    audio, text = rows(batch, seed), rows(batch, seed + 1)
    cosines = audio @ text.T
    weights = 1 - torch.eye(batch, dtype=torch.float64)
    both = [
        contrast(c.diagonal(), c, temperature=0.1, weights=weights) for c in (cosines, cosines.T)
    ]
    expected = info_nce(audio, text, temperature=0.1).item()
    assert sum(both).item() / 2 == pytest.approx(expected)


def test_hard_negatives_weigh_more_and_one_on_average() -> None:
    negative = tensor([[0.0, math.log(3)]], requires_grad=True)
    weights = hardness_weights(negative, concentration=1.0)
    assert weights.tolist()[0] == pytest.approx([0.5, 1.5])
    assert not weights.requires_grad
    assert hardness_weights(negative, concentration=0.0).tolist() == [[1, 1]]


def test_what_the_teacher_finds_alike_is_no_negative() -> None:
    weights = teacher_weights(tensor([[-1.0, 0.5, 0.6, 0.8, 1.0]]), limit=0.6)
    assert weights.tolist()[0] == pytest.approx([1, 1, 1, 0.5, 0])
