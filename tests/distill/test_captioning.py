"""Training captioners: what is learned, exact resume, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from msgspec.structs import replace

from tests.captioners import recipe
from tests.fake_teacher import ToneTeacher
from tests.fakes import RATE, TONES, tone
from tinyalm.captioning.vocabulary import SPECIAL
from tinyalm.errors import ConfigError, DataError
from tinyalm.models.captioner_checkpoint import load_captioner
from tinyalm.policy.words import named
from tinyalm_distill.captioning.lessons import (
    batches,
    bridged,
    make_tokenizer,
    prepare,
    projection,
)
from tinyalm_distill.captioning.making import make_captioner
from tinyalm_distill.captioning.recipe import Bridge, CaptionRecipe
from tinyalm_distill.captioning.texts import read_captions, short_captions, tidy
from tinyalm_distill.captioning.training import CaptionTrainer
from tinyalm_distill.cli import distill
from tinyalm_distill.recipe_file import read_as
from tinyalm_distill.run_folder import claim

pytestmark = pytest.mark.usefixtures("own_cache")


class KilledError(Exception):
    """The process was killed."""


def train(plan: CaptionRecipe, out: Path, stop: int = 0) -> Path:
    """Train as `make_captioner` does; at step ``stop`` the process ends without a word."""
    out.mkdir(exist_ok=True)
    lessons = prepare(plan, ToneTeacher(), out.parent / "cache")
    trainer = CaptionTrainer(plan, lessons, ToneTeacher())

    def report(step: int, total: int, note: str) -> None:
        if step == stop:
            raise KilledError

    trainer.fit(out / "training.safetensors", report)
    return out


def test_a_killed_training_resumes_to_the_same_captioner(tmp_path: Path) -> None:
    plan = recipe(tmp_path, epochs=2, validate_every=5)
    whole = make_captioner(plan, ToneTeacher(), tmp_path / "whole", say=lambda _: None)
    with pytest.raises(KilledError):
        train(plan, tmp_path / "killed", stop=13)
    resumed = make_captioner(plan, ToneTeacher(), tmp_path / "killed", say=lambda _: None)
    assert resumed == whole
    one, other = (load_captioner(tmp_path / name).captioner for name in ("whole", "killed"))
    for name, values in one.state_dict().items():
        assert torch.equal(values, other.state_dict()[name]), name


def test_the_state_of_another_training_is_refused(tmp_path: Path) -> None:
    plan = recipe(tmp_path, epochs=1, validate_every=5)
    with pytest.raises(KilledError):
        train(plan, tmp_path / "one", stop=7)
    with pytest.raises(DataError, match="another recipe"):
        train(replace(plan, seed=1), tmp_path / "one")


def test_training_stops_where_nothing_gets_better(tmp_path: Path) -> None:
    plan = recipe(tmp_path, epochs=9, validate_every=1, patience=2, learning_rate=1e-9)
    lessons = prepare(plan, ToneTeacher(), tmp_path / "cache")
    trainer = CaptionTrainer(plan, lessons, ToneTeacher())
    trainer.fit(tmp_path / "training.safetensors", lambda *_: None)
    assert trainer.course.step < 10 < trainer.steps


def test_every_sentence_is_taught_once_an_epoch_and_held_out_ones_never(tmp_path: Path) -> None:
    lessons = prepare(recipe(tmp_path), ToneTeacher(), tmp_path / "cache")
    taught = np.concatenate([rows for rows, _ in batches(lessons, 16, 2, seed=0)])
    assert sorted(taught.tolist()) == sorted([*lessons.train.tolist()] * 2)
    assert not set(taught.tolist()) & set(lessons.held_out.tolist())
    assert len(lessons.held_out) == 12


def test_bridged_embeddings_have_unit_length_and_move_as_far_as_asked() -> None:
    rows = torch.nn.functional.normalize(torch.randn(500, 64), dim=-1)
    near = rows.flip(0)

    def moved(bridge: Bridge) -> torch.Tensor:
        given = bridged(rows, near, bridge, torch.Generator().manual_seed(0))
        assert torch.allclose(given.norm(dim=-1), torch.ones(500), atol=1e-5)
        return given

    assert torch.allclose(moved(Bridge(noise=0.0, projected=0.0)), rows, atol=1e-6)
    assert torch.allclose(moved(Bridge(noise=0.0, projected=1.0)), near, atol=1e-6)
    cosines = (moved(Bridge(noise=1.0, projected=0.0)) * rows).sum(dim=-1)
    # The longest noise is as long as the embedding: 45 degrees; the shortest is none.
    assert 0.5 < float(cosines.min()) < 0.8
    assert float(cosines.max()) > 0.99


def test_the_vocabulary_holds_frequent_words_and_spells_the_others() -> None:
    texts = ["a dog barks", "a dog, and rain", "dog barks", "zebra"]
    tokenizer = make_tokenizer(texts, 34)
    assert make_tokenizer(texts, 34).get_vocab() == tokenizer.get_vocab()
    assert [tokenizer.id_to_token(number) for number in range(5)] == list(SPECIAL)
    assert tokenizer.encode("A dog barks").tokens == ["a", "dog", "barks"]
    assert tokenizer.encode("zebra").tokens == ["z", "##e", "##b", "##r", "##a"]


def test_a_projection_is_the_nearest_of_the_bank_when_it_is_cold_and_its_mean_when_hot() -> None:
    bank = np.eye(4, dtype=np.float32)
    rows = np.array([[0.9, np.sqrt(1 - 0.81), 0, 0]], np.float32)
    assert projection(rows, bank, 1e-3) == pytest.approx(bank[:1], abs=1e-6)
    assert projection(rows, bank, 1e6) == pytest.approx(np.full((1, 4), 0.5), abs=1e-4)


@pytest.mark.parametrize(
    ("said", "taught"),
    [
        ("A  young woman speaks.", "a person speaks"),
        ("An adult male laughs as two boys shout", "a person laughs as two children shout"),
        ("Men talk, then he drops his keys", "people talk, then someone drops their keys"),
        ("Rain falls", "rain falls"),
    ],
)
def test_captions_say_nothing_of_sex_or_age(said: str, taught: str) -> None:
    assert tidy(said) == taught
    assert named(tidy(said)) is None


def test_captions_that_name_a_sensitive_inference_all_the_same_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(
        "rain falls\n\na drunk person with an accent speaks\nRain falls."
    )
    assert read_captions(tmp_path / "c.txt") == ["rain falls"]


@pytest.mark.parametrize("content", [None, b"\n\n", b"\xff\xfe\xff"])
def test_files_without_captions_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "c.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"c\.txt"):
        read_captions(path)


def test_captions_of_a_test_split_are_not_learned(tmp_path: Path) -> None:
    plan, cache = recipe(tmp_path), tmp_path / "cache"
    every = prepare(plan, ToneTeacher(), cache).texts
    (tmp_path / "test.txt").write_text(every[0].upper() + ".\n", encoding="utf-8")
    data = replace(plan.data, leave_out=[str(tmp_path / "test.txt")])
    assert set(prepare(replace(plan, data=data), ToneTeacher(), cache).texts) == set(every[1:])
    data = replace(plan.data, leave_out=plan.data.texts)
    with pytest.raises(DataError, match="leave_out holds all"):
        prepare(replace(plan, data=data), ToneTeacher(), cache)


def test_short_captions_name_every_class_and_combinations() -> None:
    made = short_captions(["Chicken, rooster", "Rain"], 40, seed=0)
    assert made[:3] == ["chicken", "rooster", "rain"]
    assert {"rain and rooster", "rooster and rain"} & set(made)
    assert made == short_captions(["Chicken, rooster", "Rain"], 40, seed=0)


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_is_read_with_changes_and_its_paths_are_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, "name: x\ndata: {texts: [c.txt]}\ntrain: {epochs: 3}\n")
    plan = read_as(CaptionRecipe, path, ("train.epochs=5", "bridge.noise=0.1"))
    assert plan.data.texts == [str(tmp_path / "c.txt")]
    assert (plan.train.epochs, plan.bridge.noise) == (5, 0.1)
    shipped = Path(__file__).parents[2] / "distill" / "recipes" / "captioner.yaml"
    assert read_as(CaptionRecipe, shipped).name == "captioner"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ndata: {texts: []}\ntrain: {epoch: 3}\n", "epoch"),
        ("name: x\ndata: {texts: []}\nbridge: {projected: 2}\n", "projected"),
        ("name: x\ndata: {texts: []}\ntrain: {epochs: 0}\n", "epochs"),
        ("name: [", "not YAML"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_as(CaptionRecipe, written(tmp_path, text))


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    plan = recipe(tmp_path)
    with pytest.raises(ConfigError, match="not empty"):
        claim(tmp_path, plan, resume=False)
    claim(tmp_path / "new", plan, resume=False)
    with pytest.raises(ConfigError, match="--resume"):
        claim(tmp_path / "new", plan, resume=False)
    claim(tmp_path / "new", plan, resume=True)


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    done = CliRunner().invoke(distill, ["caption", str(tmp_path / "none.yaml")])
    assert isinstance(done.exception, ConfigError)
    assert "none.yaml" in str(done.exception)


def test_captions_of_clips_are_learned_from_their_sounds(tmp_path: Path) -> None:
    sounds = [tone(TONES[number], 1.0) for number in (0, 3)]
    for number, sound in enumerate(sounds):
        soundfile.write(tmp_path / f"{number}.wav", sound, RATE)
    rows = [
        {"file": "0.wav", "caption": ["A Zither hums.", "rain falls"], "licence": "CC-BY-4.0"},
        {"file": "1.wav", "caption": ["an old man hums"], "licence": "CC-BY-4.0"},
        {"file": "1.wav", "label": ["rain"]},
    ]
    manifest = tmp_path / "described.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    left_out = tmp_path / "test.txt"
    left_out.write_text("Rain falls.\n", encoding="utf-8")
    plan = recipe(tmp_path, epochs=1)
    data = replace(plan.data, pairs=[str(manifest)], leave_out=[str(left_out)])
    teacher = ToneTeacher()
    lessons = prepare(replace(plan, data=data), teacher, tmp_path / "cache")
    assert lessons.texts[-2:] == ["a zither hums", "a person hums"]
    assert lessons.licences == ["CC0-1.0", "CC-BY-4.0"]
    assert set(lessons.train[-2:]) == {len(lessons.texts) - 2, len(lessons.texts) - 1}
    heard = teacher.embed_audio(sounds, RATE)
    assert np.allclose(lessons.embeddings[-2:], heard, atol=2e-3)
    assert np.array_equal(lessons.embeddings[-2:], lessons.projected[-2:])
    trained = replace(plan, data=data)
    meta = make_captioner(trained, teacher, tmp_path / "out", say=lambda _: None)
    assert meta.licences == lessons.licences


def test_a_manifest_without_captions_is_no_pairs(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(TONES[0], 1.0), RATE)
    (tmp_path / "m.csv").write_text("file,label\na.wav,rain\n", encoding="utf-8")
    plan = recipe(tmp_path)
    data = replace(plan.data, pairs=[str(tmp_path / "m.csv")])
    with pytest.raises(DataError, match=r"m\.csv: no clip has captions"):
        prepare(replace(plan, data=data), ToneTeacher(), tmp_path / "cache")
