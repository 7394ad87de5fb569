"""CLAP teachers from transformers' folders, against transformers' own extractor and model."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from transformers import BertConfig, BertModel, ClapFeatureExtractor, ClapModel

from tests.distill.teachers.models import RATE, SENTENCES, roberta_tokenizer, save_clap, sounds
from tests.process import one_line, tinyalm
from tinyalm.errors import ConfigError, DataError, FetchError
from tinyalm_distill.cli import distill
from tinyalm_distill.teachers import open_teacher

WINDOW = 10 * RATE
CORNER = 10.005  # more than a window, less than a window and a hop
LENGTHS = (0.2, 5.0, 10.0, CORNER, 61.0)


@pytest.fixture(scope="module", params=["unfused", "fused"])
def folder(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clap") / request.param
    return save_clap(path, fused=request.param == "fused")


@pytest.fixture(scope="module")
def unfused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clap(tmp_path_factory.mktemp("clap") / "unfused", fused=False)


@pytest.fixture(scope="module")
def teacher(folder: Path):
    return open_teacher(f"clap:{folder}")


def reference(folder: Path, waveforms: list[np.ndarray]) -> np.ndarray:
    """transformers' extractor and model, with what they draw at random taken out of them."""
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    model = ClapModel.from_pretrained(folder).eval()
    inputs = extractor(waveforms, sampling_rate=RATE, return_tensors="pt")
    inputs["is_longer"] = torch.zeros(len(waveforms), 1, dtype=torch.bool)
    with torch.inference_mode():
        return model.get_audio_features(**inputs).pooler_output.numpy()


def first_window(folder: Path, waveform: np.ndarray) -> np.ndarray:
    """What of a sound goes into its first window: fused models hear the corner case whole."""
    whole = folder.name == "fused" and waveform.size == round(CORNER * RATE)
    return waveform if whole else waveform[:WINDOW]


@pytest.mark.parametrize("batch", [1, 7])
def test_embeddings_are_those_of_transformers(folder: Path, teacher, batch: int) -> None:
    given = [first_window(folder, sound) for sound in sounds((*LENGTHS, 1.0, 2.5))]
    expected = reference(folder, given)
    for start in range(0, len(given), batch):
        ours = teacher.embed_audio(given[start : start + batch], RATE)
        cosines = (ours * expected[start : start + batch]).sum(axis=1, dtype=np.float64)
        assert cosines.min() >= 1 - 1e-6
        assert np.abs(ours - expected[start : start + batch]).max() < 1e-5
    assert (expected @ expected.T).min() < 1 - 1e-3  # sounds are told apart


def test_answers_do_not_depend_on_the_batch(teacher) -> None:
    given = sounds((0.2, 12.0, 5.0, 1.0))
    together = teacher.answer(given, RATE)
    for number, sound in enumerate(given):
        alone = teacher.answer([sound], RATE)
        assert np.array_equal(alone.embeddings[0], together.embeddings[number])
        assert np.array_equal(alone.features[0], together.features[number])
    reverse = teacher.embed_audio(given[::-1], RATE)
    assert np.array_equal(reverse[::-1], together.embeddings)
    assert np.allclose(np.linalg.norm(together.embeddings, axis=1), 1, atol=1e-6)
    assert together.probabilities is None


def test_a_long_sound_is_the_mean_of_windows_spread_over_it(folder: Path, teacher) -> None:
    (sound,) = sounds((27.0,))
    starts = [0, round(8.5 * RATE), 17 * RATE]  # three windows cover it
    windows = reference(folder, [sound[start : start + WINDOW] for start in starts])
    mean = windows.mean(axis=0)
    ours = teacher.embed_audio([sound], RATE)[0]
    assert ours @ (mean / np.linalg.norm(mean)) > 1 - 1e-6
    assert ours @ windows[0] < 1 - 1e-4


def test_texts_are_those_of_transformers_whatever_their_company(folder: Path, teacher) -> None:
    texts = [*SENTENCES, "rain", SENTENCES[0] * 8]  # the last is longer than the model reads
    ours = teacher.embed_text(texts)
    model = ClapModel.from_pretrained(folder).eval()
    tokenizer = roberta_tokenizer()
    tokenizer.enable_truncation(80)
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    encoded = tokenizer.encode_batch(texts)
    with torch.inference_mode():
        expected = model.get_text_features(
            input_ids=torch.tensor([e.ids for e in encoded]),
            attention_mask=torch.tensor([e.attention_mask for e in encoded]),
        ).pooler_output.numpy()
    assert np.abs(ours - expected).max() < 1e-5
    alone = np.concatenate([teacher.embed_text([text]) for text in texts])
    assert np.abs(ours - alone).max() < 1e-5
    assert teacher.embed_text([]).shape == teacher.embed_audio([], RATE).shape == (0, 24)


def test_another_rate_is_resampled(teacher) -> None:
    at_16k = sounds((3.0,), rate=16000)
    same = teacher.embed_audio(at_16k, 16000)
    assert same.shape == (1, 24)
    assert (same * teacher.embed_audio(at_16k, RATE)).sum() < 0.999


def test_what_it_says_of_itself(folder: Path, teacher, tmp_path: Path) -> None:
    assert teacher.name == f"clap:{folder.name}"
    assert (teacher.sample_rate, teacher.dim, teacher.labels) == (RATE, 24, [])
    assert teacher.licence == "unknown"
    assert teacher.body() is None
    assert "dog" in teacher.tokenizer.get_vocab()
    assert teacher.tokenizer.encode("Dog!").tokens == ["dog", "!"]
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# CLAP\n")
    same = open_teacher(f"clap:{copy}")
    assert (same.revision, same.licence) == (teacher.revision, "apache-2.0")
    settings = copy / "preprocessor_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"frequency_min": 60}))
    assert open_teacher(f"clap:{copy}").revision != teacher.revision


@pytest.mark.parametrize("padding", ["repeat", "pad"])
def test_the_checkpoints_own_settings_hold(unfused: Path, tmp_path: Path, padding: str) -> None:
    folder = shutil.copytree(unfused, tmp_path / padding)
    ClapFeatureExtractor(
        padding=padding, truncation="rand_trunc", frequency_min=0, max_length_s=5
    ).save_pretrained(folder)
    (sound,) = sounds((1.7,))
    ours = open_teacher(f"clap:{folder}").embed_audio([sound], RATE)[0]
    assert ours @ reference(folder, [sound])[0] > 1 - 1e-6
    assert ours @ reference(unfused, [sound])[0] < 1 - 1e-4


def damaged(folder: Path, case: str) -> None:
    weights = folder / "model.safetensors"
    match case:
        case "no config":
            (folder / "config.json").unlink()
        case "half a config":
            (folder / "config.json").write_text('{"model_type": ')
        case "another architecture":
            BertModel(BertConfig(num_hidden_layers=1, hidden_size=24)).save_pretrained(folder)
        case "no settings":
            (folder / "preprocessor_config.json").unlink()
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "half a tokenizer":
            (folder / "tokenizer.json").write_text('{"version"')
        case "half the weights":
            weights.write_bytes(weights.read_bytes()[:-1000])
        case "no weights":
            weights.unlink()
        case "other weights":
            ClapModel.from_pretrained(folder).audio_model.save_pretrained(folder / "part")
            shutil.copy(folder / "part/model.safetensors", weights)


@pytest.mark.parametrize(
    ("case", "kind", "message"),
    [
        ("no config", ConfigError, "holds no config.json; give a folder that save_pretrained"),
        ("half a config", DataError, "not a config"),
        ("another architecture", ConfigError, "a checkpoint of 'bert', not of 'clap'"),
        ("no settings", ConfigError, "no preprocessor settings"),
        ("no tokenizer", ConfigError, "holds no tokenizer.json; write it with AutoTokenizer"),
        ("half a tokenizer", DataError, "not a tokenizer"),
        ("half the weights", DataError, "its weights cannot be loaded"),
        ("no weights", DataError, "its weights cannot be loaded"),
        ("other weights", DataError, "weights and config do not belong together"),
    ],
)
def test_a_damaged_folder_is_one_line(
    unfused: Path, tmp_path: Path, case: str, kind: type[Exception], message: str
) -> None:
    folder = shutil.copytree(unfused, tmp_path / "damaged")
    damaged(folder, case)
    with pytest.raises(kind, match=message) as raised:
        open_teacher(f"clap:{folder}")
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_hub_id_without_a_network_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    ran = tinyalm(
        *("distill", "teach", tmp_path / "a.wav", "--teacher", "clap:laion/clap-htsat-unfused"),
        HF_ENDPOINT=endpoint,
        HF_HOME=str(tmp_path),
    )
    assert ran.returncode == 2
    line = one_line(ran.stderr)
    assert "hf download laion/clap-htsat-unfused --local-dir FOLDER" in line
    with pytest.raises(ConfigError, match="no such folder or file, and no hub id"):
        open_teacher(f"clap:{tmp_path / 'nothing'}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises((FetchError, ConfigError)):
        open_teacher("clap:nobody/nothing")


def test_teach_ranks_labels_and_says_that_there_are_no_classes(
    unfused: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", sounds((1.0,))[0], RATE)
    name = f"clap:{unfused}"
    ran = CliRunner().invoke(
        distill,
        ["teach", str(tmp_path / "a.wav"), "--teacher", name, "--labels", "dog,rain", "--json"],
    )
    heard = json.loads(ran.stdout)
    assert heard.keys() == {"file", "labels"}
    assert {entry["label"] for entry in heard["labels"]} == {"dog", "rain"}
    ran = CliRunner().invoke(distill, ["teach", str(tmp_path / "a.wav"), "--teacher", name])
    assert isinstance(ran.exception, ConfigError)
    assert "has no classes; name labels with --labels" in str(ran.exception)
