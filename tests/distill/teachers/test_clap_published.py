"""Checkpoints as LAION and Microsoft publish them, by their names of weights."""

import itertools
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from torch import nn
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertModel,
    ClapAudioConfig,
    ClapAudioModel,
    ClapFeatureExtractor,
    ClapModel,
    GPT2Config,
    GPT2Model,
)

from tests.distill.teachers.models import (
    RATE,
    SENTENCES,
    SMALL_AUDIO,
    byte_tokenizer,
    clap_config,
    roberta_tokenizer,
    shaken,
    sounds,
)
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import log_mel, mel_filters, preset, with_mel_filters
from tinyalm_distill.teachers import open_teacher
from tinyalm_distill.teachers.clap.laion import convert_laion
from tinyalm_distill.teachers.clap.msclap import convert_msclap

DIM = 24


def htsat_names(encoder: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`ClapAudioEncoder`'s weights as clap_module/htsat.py names them."""
    named = {}
    for key, value in encoder.items():
        if ".attention.self.query." in key:
            parts = [encoder[key.replace("query", part)] for part in ("query", "key", "value")]
            named[key.replace("attention.self.query", "attn.qkv")] = torch.cat(parts)
        elif not re.search(r"\.attention\.self\.(key|value)\.", key):
            for before, after in (
                ("batch_norm.", "bn0."),
                ("attention.output.dense", "attn.proj"),
                ("attention.self.relative", "attn.relative"),
                ("intermediate.dense", "mlp.fc1"),
                ("output.dense", "mlp.fc2"),
                ("layernorm_before", "norm1"),
                ("layernorm_after", "norm2"),
            ):
                key = key.replace(before, after)
            named[key] = value
    return named | {
        "spectrogram_extractor.stft.conv_real.weight": torch.zeros(513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": torch.zeros(513, 1, 1024),
        "tscam_conv.weight": torch.zeros(5, 32, 2, 3),
        "tscam_conv.bias": torch.zeros(5),
        "head.weight": torch.zeros(5, 5),
        "head.bias": torch.zeros(5),
        "layers.0.blocks.1.attn_mask": torch.zeros(64, 64, 64),
    }


def under(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in weights.items()}


def laion_weights(model: ClapModel) -> dict[str, torch.Tensor]:
    """A `ClapModel`'s weights as `laion_clap` saves them."""
    named, encoder = {}, "audio_model.audio_encoder."
    state = model.state_dict()
    inner = {k.removeprefix(encoder): v for k, v in state.items() if k.startswith(encoder)}
    for key, value in state.items():
        if key.startswith("text_model."):
            if not key.endswith(("position_ids", "token_type_ids")):
                named["text_branch." + key.removeprefix("text_model.")] = value
        elif not key.startswith(encoder):
            key = key.replace("projection.linear1", "projection.0")
            named[key.replace("projection.linear2", "projection.2")] = value
    extra = {
        "text_branch.embeddings.position_ids": torch.arange(82)[None],
        "audio_transform.sequential.0.weight": torch.zeros(DIM, DIM),
        "text_transform.sequential.3.bias": torch.zeros(DIM),
        "audio_branch.logmel_extractor.melW": torch.tensor(
            mel_filters(preset("clap-htsat-unfused"))
        ).float(),
    }
    return named | under("audio_branch.", htsat_names(inner)) | extra


def save_laion(folder: Path, *, fused: bool) -> tuple[Path, ClapModel]:
    folder.mkdir()
    model = shaken(ClapModel(clap_config(fused=fused)))
    content = {
        "epoch": 3,
        "state_dict": under("module.", laion_weights(model)),
        "best": np.float64(0.5),  # as LAION's hold them: data, though not tensors
        "optimizer": {"lr": 1e-4},
    }
    torch.save(content, folder / "clap.pt")
    roberta_tokenizer().save(str(folder / "tokenizer.json"))
    return folder / "clap.pt", model


def as_16_bits(waveform: np.ndarray) -> np.ndarray:
    return (np.clip(waveform, -1, 1) * 32767).astype(np.int16).astype(np.float32) / 32767


@pytest.mark.parametrize("fused", [False, True])
def test_laions_checkpoint_answers_as_its_model(tmp_path: Path, fused: bool) -> None:
    file, model = save_laion(tmp_path / "laion", fused=fused)
    teacher = open_teacher(f"clap:{file}")
    given = sounds((0.2, 5.0, 10.0))
    extractor = ClapFeatureExtractor(
        frequency_min=50, truncation="fusion" if fused else "rand_trunc"
    )
    inputs = extractor(
        [as_16_bits(sound) for sound in given], sampling_rate=RATE, return_tensors="pt"
    )
    inputs["is_longer"] = torch.zeros(3, 1, dtype=torch.bool)
    ids = torch.tensor([roberta_tokenizer().encode(SENTENCES[0]).ids])
    with torch.inference_mode():
        expected = model.get_audio_features(**inputs).pooler_output.numpy()
        text = model.get_text_features(ids, torch.ones_like(ids)).pooler_output.numpy()
    ours = teacher.embed_audio(given, RATE)
    assert (ours * expected).sum(axis=1).min() > 1 - 1e-6
    assert np.abs(teacher.embed_text([SENTENCES[0]]) - text).max() < 1e-5
    assert (teacher.name, teacher.dim, teacher.labels) == ("clap:clap.pt", DIM, [])


def test_conversion_of_laions_weights_is_exact() -> None:
    model = shaken(ClapModel(clap_config(fused=True)))
    given = laion_weights(model)
    before = {key: value.clone() for key, value in given.items()}
    converted = convert_laion(given)
    missing = model.state_dict().keys() - converted.keys()
    assert missing == {
        "text_model.embeddings.position_ids",
        "text_model.embeddings.token_type_ids",
    }
    assert converted.keys() <= model.state_dict().keys()
    assert all(torch.equal(model.state_dict()[key], value) for key, value in converted.items())
    assert given.keys() == before.keys()  # it changes nothing that it is given
    assert all(torch.equal(before[key], value) for key, value in given.items())


class Cnn(nn.Module):
    """PANNs' Cnn14 as published, of six narrow blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(64)
        widths = (1, 2, 3, 4, 5, 6, 8)
        for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), 1):
            block = nn.Module()
            block.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            block.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            block.bn1, block.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
            setattr(self, f"conv_block{number}", block)
        self.fc1, self.fc_audioset = nn.Linear(8, 12), nn.Linear(12, 5)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.bn0(mel[:, None].transpose(1, 3)).transpose(1, 3)
        for number in range(1, 7):
            block = getattr(self, f"conv_block{number}")
            x = F.relu(block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x))))))
            x = F.avg_pool2d(x, 2 if number < 6 else 1)
        x = x.mean(dim=3)
        return F.relu(self.fc1(x.max(dim=2).values + x.mean(dim=2)))


def projected(features: torch.Tensor, weights: dict[str, torch.Tensor], side: str) -> np.ndarray:
    """The projection of models/clap.py from the checkpoint's own weights, to unit length."""
    own = {k.removeprefix(f"{side}.projection."): v for k, v in weights.items()}
    first = features @ own["linear1.weight"].T
    both = first + F.gelu(first) @ own["linear2.weight"].T
    normed = F.layer_norm(both, (DIM,), own["layer_norm.weight"], own["layer_norm.bias"])
    return F.normalize(normed, dim=-1).numpy()


def projection(side: str, inputs: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(inputs)
    shapes = {
        "linear1.weight": (DIM, inputs),
        "linear2.weight": (DIM, DIM),
        "layer_norm.weight": (DIM,),
        "layer_norm.bias": (DIM,),
    }
    return {f"{side}.projection.{k}": torch.randn(v, generator=draw) for k, v in shapes.items()}


def save_msclap(folder: Path, year: int) -> tuple[Path, dict, nn.Module, nn.Module]:
    """The file, its weights, and the towers that they are of."""
    folder.mkdir()
    if year == 2022:
        audio, inner, size = shaken(Cnn()), "", 12
        shape = BertConfig(
            vocab_size=400,
            hidden_size=128,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=120,
        )
        text = shaken(BertModel(shape))
        own = audio.state_dict()
        made = {"embeddings.position_ids": torch.arange(120)[None]}
        tokenizer = byte_tokenizer(("[PAD]", "[CLS]", "[SEP]"))
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
        )
    else:
        audio, inner, size = shaken(ClapAudioModel(ClapAudioConfig(**SMALL_AUDIO))), "htsat.", 32
        shape = GPT2Config(vocab_size=400, n_positions=96, n_embd=128, n_layer=1, n_head=2)
        text = shaken(GPT2Model(shape))
        state = audio.state_dict()
        own = htsat_names({k.removeprefix("audio_encoder."): v for k, v in state.items()})
        made = {"h.0.attn.bias": torch.ones(1, 1, 9, 9), "h.0.attn.masked_bias": torch.zeros(())}
        tokenizer = byte_tokenizer(("!", "<|endoftext|>"))
    # Bands that no front end would compute: the checkpoint's own have to be taken.
    bands = torch.tensor(mel_filters(preset(f"msclap-{year}"))).float() * 3
    weights = {
        **under("audio_encoder.base." + inner, own | {"logmel_extractor.melW": bands}),
        **projection("audio_encoder", size),
        **under("caption_encoder.base.", text.state_dict() | made),
        **projection("caption_encoder", 128),
        "logit_scale": torch.zeros(()),
    }
    torch.save({"model": weights}, folder / "clap.pth")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "clap.pth", weights, audio, text


@pytest.mark.parametrize(
    ("year", "seconds", "suffix"), [(2022, 5, ""), (2023, 7, " <|endoftext|>")]
)
def test_msclaps_checkpoints_answer_as_their_models(
    tmp_path: Path, year: int, seconds: int, suffix: str
) -> None:
    file, weights, audio, text = save_msclap(tmp_path / "msclap", year)
    teacher = open_teacher(f"clap:{file}")
    assert (teacher.sample_rate, teacher.dim) == (44100, DIM)
    (mel_key,) = (key for key in weights if key.endswith("melW"))
    spec = with_mel_filters(preset(f"msclap-{year}"), weights[mel_key].numpy())
    given = sounds((0.3, 3.0, float(seconds)), 44100)
    samples = seconds * 44100
    mels = [log_mel(np.tile(x, -(-samples // x.size))[:samples], spec) for x in given]
    batch = torch.tensor(np.stack(mels)).float()
    ids = teacher._clap.tokenizer.encode(SENTENCES[1] + suffix).ids
    with torch.inference_mode():
        heard = audio(batch) if year == 2022 else audio(batch[:, None]).pooler_output
        read = text(torch.tensor([ids])).last_hidden_state[:, 0 if year == 2022 else -1]
    expected = projected(heard, weights, "audio_encoder")
    assert (teacher.embed_audio(given, 44100) * expected).sum(axis=1).min() > 1 - 1e-6
    expected = projected(read, weights, "caption_encoder")
    assert np.abs(teacher.embed_text([SENTENCES[1]]) - expected).max() < 1e-5


def test_conversion_of_msclaps_weights_leaves_out_what_is_known(tmp_path: Path) -> None:
    for year in (2022, 2023):
        _, weights, _, _ = save_msclap(tmp_path / str(year), year)
        converted = convert_msclap(weights)
        roots = {key.split(".")[0] for key in converted}
        assert roots == {"audio_base", "text_base", "audio_projection", "text_projection"}
        assert not [key for key in converted if "melW" in key or "position_ids" in key]


class Harmful:
    """What pickle would run code for."""

    def __reduce__(self):
        return (print, ("run",))


def test_what_is_no_plain_checkpoint_is_one_line(tmp_path: Path, capsys) -> None:
    file, model = save_laion(tmp_path / "laion", fused=False)
    weights = laion_weights(model)

    def refused(content: object, kind: type[Exception], message: str) -> None:
        torch.save(content, file)
        with pytest.raises(kind, match=message) as raised:
            open_teacher(f"clap:{file}")
        assert "\n" not in str(raised.value)
        assert str(file) in str(raised.value)

    refused({"state_dict": weights, "x": Harmful()}, DataError, "holds more than weights")
    assert capsys.readouterr().out == ""
    refused({"state_dict": {"a.weight": torch.zeros(3)}}, ConfigError, "no architecture that is")
    refused([1, 2], ConfigError, "holds no named weights")
    refused(weights | {"audio_branch.new": torch.zeros(2)}, DataError, "0 missing and 1 unexpected")
    half = {key: value for key, value in weights.items() if "layers.1.blocks.1" not in key}
    refused(
        half | {"text_projection.2.bias": torch.zeros(3)}, DataError, "not the weights of LAION"
    )
    less = {key: value for key, value in weights.items() if key != "text_projection.2.bias"}
    refused(less, DataError, "1 missing and 0 unexpected, such as text_projection.linear2.bias")
    torch.save(weights, file)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"nonsense", pickle.dumps(Harmful())):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"truncated|more than weights"):
            open_teacher(f"clap:{file}")
    assert capsys.readouterr().out == ""
    file.write_bytes(whole)
    (file.parent / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"holds no tokenizer\.json"):
        open_teacher(f"clap:{file}")
    assert zipfile.is_zipfile(file)
