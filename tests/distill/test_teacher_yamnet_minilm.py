"""The embedded teacher, with its published weights, on real recordings."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tinyalm.audio import read
from tinyalm.errors import ConfigError, DataError, FetchError
from tinyalm_distill.cli import distill
from tinyalm_distill.teachers import open_teacher


@pytest.fixture(scope="module")
def teacher(pulled_cache: Path):
    return open_teacher("yamnet-minilm")


@pytest.fixture(scope="module")
def animals(pulled_cache: Path) -> Path:
    return pulled_cache / "assets/demo-sounds/animals"


@pytest.mark.parametrize(
    ("file", "heard"),
    [("rooster", "Chicken, rooster"), ("cow", "Cattle, bovinae"), ("dog", "Dog"), ("duck", "Duck")],
)
def test_yamnet_hears_animals(teacher, animals: Path, file: str, heard: str) -> None:
    probabilities = teacher.class_probabilities(read(animals / f"{file}.mp3", 16000))
    assert probabilities.shape == (521,)
    assert probabilities[teacher.labels.index(heard)] > 0.5


def test_sounds_are_near_the_words_for_them(teacher, animals: Path) -> None:
    names = ["cow", "dog", "duck", "frog", "rooster"]
    sounds = teacher.embed_audio([read(animals / f"{n}.mp3", 16000) for n in names], 16000)
    texts = teacher.embed_text(["a cow mooing", "dog barking", "duck", "frogs", "cock crowing"])
    assert (sounds @ texts.T).argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert np.allclose(np.linalg.norm(sounds, axis=1), 1, atol=1e-6)
    assert sounds.dtype == texts.dtype == np.float32


def test_answers_do_not_depend_on_the_batch(teacher, animals: Path) -> None:
    waves = [read(animals / f"{name}.mp3", 16000) for name in ("cow", "sheep", "dog")]
    together = teacher.embed_audio(waves, 16000)
    alone = np.concatenate([teacher.embed_audio([wave], 16000) for wave in waves])
    assert np.abs(together - alone).max() < 1e-6
    texts = ["rain", "a very long sentence about the rain that falls on the roof", "dog", "cat"]
    together = teacher.embed_text(texts)
    alone = np.concatenate([teacher.embed_text([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5


def test_yamnet_answers_to_the_last_bit_as_it_does_alone(teacher, animals: Path) -> None:
    yamnet = teacher._yamnet
    cow = read(animals / "cow.mp3", 16000)
    waves = [cow[:1], cow[:15601], cow, cow[8000:], cow[: 15600 * 3]]
    together = yamnet(waves)
    for number, wave in enumerate(waves):
        for several, alone in zip(together, yamnet([wave]), strict=True):
            assert np.array_equal(several[number], alone[0])
    assert [len(kind) for kind in yamnet([])] == [0, 0]


def test_patches_follow_yamnets_padding(teacher) -> None:
    for samples, patches in ((1, 1), (15600, 1), (15601, 2), (15600 + 7680, 2), (160000, 20)):
        assert teacher._yamnet._patches(np.zeros(samples, np.float32)).shape == (patches, 1, 96, 64)


def test_another_rate_is_resampled(teacher, animals: Path) -> None:
    file = animals / "rooster.mp3"
    exact = teacher.embed_audio([read(file, 16000)], 16000)[0]
    assert teacher.embed_audio([read(file, 44100)], 44100)[0] @ exact > 0.95


def test_unknown_missing_and_damaged_teachers_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulled_cache: Path
) -> None:
    from tinyalm_distill.teachers.conse import YamNetMiniLM

    with pytest.raises(ConfigError, match="there are: yamnet-minilm"):
        open_teacher("clap")
    for folder in ("yamnet", "minilm"):
        (tmp_path / folder).mkdir()
    with pytest.raises(DataError, match="not YAMNet's class map"):
        YamNetMiniLM(tmp_path)
    source = pulled_cache / "assets/yamnet-minilm/yamnet"
    (tmp_path / "yamnet/classes.csv").write_bytes((source / "classes.csv").read_bytes())
    (tmp_path / "yamnet/model.onnx").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="not the YAMNet graph"):
        YamNetMiniLM(tmp_path)
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path))
    with pytest.raises(FetchError, match="run 'tinyalm distill pull yamnet-minilm'"):
        open_teacher("yamnet-minilm")


def test_teach_says_what_is_heard_and_goes_on_after_a_bad_file(
    animals: Path, tmp_path: Path, pulled_cache: Path
) -> None:
    (tmp_path / "empty.wav").touch()
    files = [str(tmp_path / "empty.wav"), str(animals / "cow.mp3")]
    ran = CliRunner().invoke(distill, ["teach", *files, "--labels", "rain,cow", "--json"])
    assert ran.exit_code == 2
    assert "empty.wav" in ran.stderr
    assert ran.stderr.count("\n") == 1
    heard = json.loads(ran.stdout)
    assert heard["file"] == files[1]
    assert heard["classes"][0]["label"] in ("Cattle, bovinae", "Moo")
    assert [entry["label"] for entry in heard["labels"]] == ["cow", "rain"]
    text = CliRunner().invoke(distill, ["teach", files[1], "--top-k", "2"]).stdout
    assert text.splitlines()[0] == files[1]
    assert "Moo" in text
