import msgspec
import pytest
import torch

from tinyalm.errors import ConfigError
from tinyalm.models.audio import AudioEncoder, deterministic_init
from tinyalm.models.counting import cost, parameters
from tinyalm.models.layers import EmbeddingHead, SameConv
from tinyalm.models.shapes import (
    YAMNET,
    AudioStudentConfig,
    BodyConfig,
    MobileConfig,
    PatchConfig,
    SeparableBlock,
    SeparableConfig,
)

BODIES: list[BodyConfig] = [
    MobileConfig(width=0.5, features=32),
    MobileConfig(width=0.5, features=32, squeeze=True),
    SeparableConfig(
        stem=8,
        blocks=(
            SeparableBlock(outputs=16),
            SeparableBlock(outputs=24, stride=2, rank=4),
            SeparableBlock(outputs=32, rank=6),
        ),
    ),
    PatchConfig(features=32, layers=2, heads=2),
]


def encoder(body: BodyConfig, hidden: int = 12) -> AudioEncoder:
    built = AudioEncoder(AudioStudentConfig(embedding_dim=10, body=body, hidden=hidden)).eval()
    deterministic_init(built, 0)
    return built


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("frames", [1, 33, 96, 190])
def test_every_body_embeds_any_number_of_frames(body: BodyConfig, frames: int) -> None:
    log_mel = torch.randn(3, frames, 64, generator=torch.Generator().manual_seed(frames))
    with torch.inference_mode():
        embedding = encoder(body)(log_mel)
        alone = encoder(body)(log_mel[1:2])
    assert embedding.shape == (3, 10)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(embedding[1:2], alone, atol=1e-5)


@pytest.mark.parametrize("body", BODIES)
def test_framewise_embeddings_follow_time(body: BodyConfig) -> None:
    built = encoder(body)
    quiet = torch.full((1, 192, 64), -3.0)
    changed = quiet.clone()
    changed[:, 160:] = 2.0
    with torch.inference_mode():
        one, other = built.framewise(quiet)[0], built.framewise(changed)[0]
    assert one.shape[1] == 10
    moved = (one - other).norm(dim=1)
    if isinstance(body, SeparableConfig):  # what is far away in time is not heard at all
        assert moved[0] == 0
    assert moved[-1] > 0


@pytest.mark.parametrize("body", BODIES)
def test_a_shape_survives_its_json(body: BodyConfig) -> None:
    config = AudioStudentConfig(embedding_dim=10, body=body)
    assert msgspec.json.decode(msgspec.json.encode(config), type=AudioStudentConfig) == config


def test_the_same_seed_gives_the_same_weights() -> None:
    for body in BODIES:
        first, again = encoder(body).state_dict(), encoder(body).state_dict()
        assert all(torch.equal(first[name], again[name]) for name in first)


def test_costs_are_those_counted_by_hand() -> None:
    conv = torch.nn.Conv2d(3, 8, 3, padding=1)  # 5 x 7 places
    counted = cost(conv, torch.zeros(1, 3, 5, 7))
    assert counted.parameters == 8 * 3 * 9 + 8 == parameters(conv)
    assert counted.macs == 5 * 7 * 8 * 3 * 9
    assert counted.peak_bytes == 4 * (3 * 5 * 7 + 8 * 5 * 7)


def test_yamnet_costs_what_is_published() -> None:
    counted = cost(encoder(YAMNET).body, torch.zeros(1, 96, 64))
    assert counted.parameters == 3_195_456  # and 1024 * 521 + 521 of its classifier: 3.73 M
    assert counted.macs / 1e6 == pytest.approx(68.6, abs=0.1)


def test_counting_leaves_the_module_as_it_was() -> None:
    module = encoder(BODIES[0]).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    cost(module, torch.randn(2, 96, 64))
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize("size", [7, 8])
def test_strided_convolutions_keep_half_rounded_up(size: int) -> None:
    maps = SameConv(2, 3, 3, stride=2)(torch.randn(1, 2, size, size))
    assert maps.shape == (1, 3, 4, 4)


def test_a_head_without_hidden_units_is_linear() -> None:
    head, features = EmbeddingHead(4, 0, 3), torch.randn(5, 4)
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(
            features @ head.project.weight.T + head.project.bias
        )
        assert torch.allclose(head(features), expected, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MobileConfig(width=0.01),
        lambda: MobileConfig(features=0),
        lambda: SeparableConfig(stem=8, blocks=()),
        lambda: SeparableConfig(stem=8, blocks=(SeparableBlock(outputs=8, stride=3),)),
        lambda: PatchConfig(features=33, heads=2),
        lambda: PatchConfig(n_mels=60),
        lambda: AudioStudentConfig(embedding_dim=0),
    ],
)
def test_shapes_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(ConfigError):
        make()
