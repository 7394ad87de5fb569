from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch

from tests.export.students import META, random_student, sounds
from tests.models.test_bodies import BODIES
from tinyalm.engine import engine
from tinyalm.frontend import log_mel
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.shapes import AudioStudentConfig, BodyConfig, SeparableConfig
from tinyalm_export.equalization import equalize
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.quantize import quantize_encoder

SEPARABLE = next(body for body in BODIES if isinstance(body, SeparableConfig))


def student(body: BodyConfig, hidden: int = 12) -> AudioEncoder:
    shape = AudioStudentConfig(embedding_dim=16, body=body, hidden=hidden)
    return random_student(msgspec.structs.replace(META, audio=shape)).audio.encoder


@pytest.fixture(scope="module")
def log_mels() -> list[np.ndarray]:
    return [log_mel(sound, META.frontend).astype(np.float32) for sound in sounds()]


@pytest.mark.parametrize("hidden", [0, 12])
@pytest.mark.parametrize("body", BODIES)
def test_answers_stay_the_same(body: BodyConfig, hidden: int, log_mels: list[np.ndarray]) -> None:
    encoder = student(body, hidden)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    even = equalize(encoder, log_mels)
    for sound in log_mels:
        heard = torch.from_numpy(sound)[None]
        assert torch.allclose(even(heard), encoder(heard), atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_a_channel_that_is_never_heard_does_no_harm(log_mels: list[np.ndarray]) -> None:
    encoder = student(SEPARABLE)
    with torch.no_grad():
        encoder.body.stem.conv.weight[0], encoder.body.stem.conv.bias[0] = 0, -1
    even = equalize(encoder, log_mels)
    assert all(torch.isfinite(value).all() for value in even.state_dict().values())


def test_int8_is_nearer_to_the_student(log_mels: list[np.ndarray], tmp_path: Path) -> None:
    encoder = student(SEPARABLE)
    spread = torch.Generator().manual_seed(5)
    with torch.no_grad():  # the same answers from channels of very different loudness
        for block in encoder.body.separables():
            conv = block.depthwise.conv
            factors = 10 ** torch.empty(len(conv.weight)).uniform_(-1.5, 1.5, generator=spread)
            conv.weight *= factors[:, None, None, None]
            conv.bias *= factors
            reader = block.expand if block.reduce is None else block.reduce
            reader.weight /= factors[:, None, None]
    exact = run(encoder_graph(encoder, 64), log_mels, tmp_path)
    errors = []
    for one in (encoder, equalize(encoder, log_mels)):
        int8 = quantize_encoder(encoder_graph(one, 64), log_mels)
        errors.append(1 - (run(int8, log_mels, tmp_path) * exact).sum(axis=1).mean())
    assert errors[1] < errors[0] / 2


def run(model: onnx.ModelProto, log_mels: list[np.ndarray], folder: Path) -> np.ndarray:
    path = folder / "encoder.onnx"
    path.write_bytes(model.SerializeToString())
    graph = engine("onnxruntime").open(path, threads=1)
    return np.concatenate([graph.run({"log_mel": sound[None]})["embedding"] for sound in log_mels])
