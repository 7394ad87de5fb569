from pathlib import Path

import pytest
import torch

from tests.distill.test_trainer import Lesson, same, silent
from tests.distill.test_trainer import lesson as lesson  # a fixture
from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder, deterministic_init
from tinyalm.models.shapes import AudioStudentConfig, SeparableBlock, SeparableConfig
from tinyalm_distill.quantization_aware import round_values, round_weights, rounded
from tinyalm_distill.trainer import Trainer

BODY = SeparableConfig(
    stem=4, blocks=(SeparableBlock(outputs=8, stride=2, rank=4), SeparableBlock(outputs=8))
)


def encoder() -> AudioEncoder:
    student = AudioEncoder(AudioStudentConfig(embedding_dim=8, body=BODY, hidden=6))
    deterministic_init(student, 0)
    return student


def trainer(lesson: Lesson, **changes: object) -> Trainer:
    return lesson.trainer(encoder(), **changes)


def test_values_lie_on_256_levels_of_their_range_after_division() -> None:
    values = torch.tensor([[0.0, 0.0], [2.55, 0.1], [1.004, 0.0515]])
    given = round_values(values, torch.tensor([1.0, 0.1]))
    # Divided, the largest is 2.55: a level is 0.01 of the first channel, 0.001 of the second.
    expected = torch.tensor([[0.0, 0.0], [2.55, 0.1], [1.0, 0.052]])
    assert torch.allclose(given, expected, atol=1e-6)
    signed = round_values(torch.tensor([[-1.0], [1.55], [0.004]]), torch.ones(1))
    assert torch.allclose(signed, torch.tensor([[-1.0], [1.55], [0.0]]), atol=1e-6)


def test_weights_lie_on_127_levels_of_their_outputs_scale() -> None:
    weights = torch.tensor([[0.63, 0.104], [-6.3, 0.34]])
    given = round_weights(weights, torch.ones(2))
    assert torch.allclose(given, torch.tensor([[0.63, 0.10], [-6.3, 0.3]]), atol=1e-6)
    # The second input was divided by 10, so its weights are multiplied: they count for more.
    given = round_weights(weights, torch.tensor([1.0, 10.0]))
    assert torch.allclose(given[0], torch.tensor([38, 63]) * 1.04 / 63 / torch.tensor([1, 10]))


def test_gradients_pass_as_if_nothing_were_rounded() -> None:
    values = torch.rand(5, 3, requires_grad=True)
    weights = torch.rand(4, 3, requires_grad=True)
    (
        round_values(values, torch.ones(3)).sum() + round_weights(weights, torch.ones(3)).sum()
    ).backward()
    assert torch.equal(values.grad, torch.ones(5, 3))
    assert torch.equal(weights.grad, torch.ones(4, 3))


def test_a_rounded_student_answers_nearly_as_it_does_in_float() -> None:
    student, log_mel = encoder(), torch.randn(3, 96, 64)
    features, embeddings = rounded(student, log_mel)
    exact = student(log_mel)
    assert features.shape == (3, 8)
    cosines = (embeddings * exact).sum(dim=1)
    assert cosines.min() > 0.99
    assert not torch.equal(embeddings, exact)


def test_the_last_steps_are_rounded_and_resume(lesson: Lesson, tmp_path: Path) -> None:
    whole = trainer(lesson, int8_steps=8).fit(tmp_path / "whole", silent)
    assert not same(whole, trainer(lesson).fit(tmp_path / "float", silent))

    def interrupt(step: int, loss: float, cosine: float) -> None:
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(lesson, int8_steps=8).fit(tmp_path / "state", interrupt)
    assert same(trainer(lesson, int8_steps=8).fit(tmp_path / "state", silent), whole)
    assert all(torch.isfinite(value).all() for value in whole.state_dict().values())


def test_other_bodies_and_too_many_steps_are_refused(lesson: Lesson) -> None:
    with pytest.raises(ConfigError, match="families inherit and separable; set it to 0"):
        lesson.trainer(int8_steps=1)
    with pytest.raises(ConfigError, match="int8_steps must be within 0 and steps, 12"):
        lesson.trainer(int8_steps=13)
