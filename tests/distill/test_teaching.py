import msgspec
import numpy as np
import pytest
import torch

from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder, deterministic_init
from tinyalm.models.shapes import AudioStudentConfig, MobileConfig
from tinyalm_distill.recipe import OBJECTIVES, Objectives
from tinyalm_distill.teachers import Answers
from tinyalm_distill.teaching import Batch, Teaching

DIM, FEATURES, LABELS = 6, 10, 5


def unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=1, keepdim=True)


def teaching(width: int = 16, **weights: float) -> Teaching:
    shape = AudioStudentConfig(embedding_dim=DIM, body=MobileConfig(width=0.25, features=width))
    student = AudioEncoder(shape)
    deterministic_init(student, 0)
    answers = Answers(np.zeros((1, DIM)), np.zeros((1, FEATURES)), np.zeros((1, LABELS)))
    bank = unit(torch.randn(LABELS, DIM, generator=torch.Generator().manual_seed(1)))
    return Teaching(student, Objectives(**({"embedding": 0.0} | weights)), answers, bank)


def batch(seed: int = 0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    return Batch(
        log_mel=torch.randn(4, 40, 64, generator=draw),
        embeddings=unit(torch.randn(4, DIM, generator=draw)),
        features=torch.randn(4, FEATURES, generator=draw),
        probabilities=torch.rand(4, LABELS, generator=draw),
        clips=torch.arange(4),
    )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_moves_the_student(name: str) -> None:
    taught = teaching(**{name: 2.0})
    taught(batch(1))  # fills the queue, where there is one
    losses = taught(batch())
    assert set(losses) == {name, "total"}
    assert losses["total"].item() == pytest.approx(2 * losses[name].item())
    losses["total"].backward()
    gradients = [p.grad for p in taught.student.body.parameters() if p.grad is not None]
    assert any(g.abs().max() > 0 for g in gradients)


def test_the_total_is_the_weighted_sum() -> None:
    weights = {name: 0.1 * (number + 1) for number, name in enumerate(OBJECTIVES)}
    taught = teaching(**weights)
    taught(batch(1))
    losses = taught(batch())
    expected = sum(weight * losses[name].item() for name, weight in weights.items())
    assert losses["total"].item() == pytest.approx(expected, rel=1e-5)


def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn() -> None:
    taught = teaching(embedding=1.0, relations=1.0, labels=1.0).eval()
    given = batch()
    with torch.inference_mode():
        own = taught.student(given.log_mel)
        losses = taught(msgspec.structs.replace(given, embeddings=own))
    assert losses["total"].item() == pytest.approx(0, abs=1e-5)


def test_the_projection_of_features_as_wide_starts_as_the_identity() -> None:
    taught, given = teaching(FEATURES, features=1.0).eval(), batch()
    with torch.inference_mode():
        own = taught.student.features(given.log_mel)
        losses = taught(msgspec.structs.replace(given, features=own))
    assert losses["features"].item() == pytest.approx(0, abs=1e-5)


def test_what_the_teacher_does_not_say_cannot_be_taught() -> None:
    shape = AudioStudentConfig(embedding_dim=DIM, body=MobileConfig(width=0.25, features=16))
    mute = Answers(np.zeros((1, DIM)))
    for objectives in (Objectives(features=1), Objectives(classes=1)):
        with pytest.raises(ConfigError, match="this teacher"):
            Teaching(AudioEncoder(shape), objectives, mute, torch.zeros(1, DIM))


@pytest.mark.parametrize(
    "values", [{"embedding": 0.0}, {"features": -1.0}, {"queue": 0}, {"temperature": 0.0}]
)
def test_objectives_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="objectives"):
        Objectives(**values)
