"""Descriptions by a real Qwen2-Audio of tiny size, judged by a real CLAP of tiny size."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from transformers import BertConfig, BertModel

from tests.distill.teachers.models import RATE, save_clap, save_qwen2_audio, sounds
from tests.process import COMMAND, environment, one_line, tinyalm
from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.cli import distill
from tinyalm_distill.manifest import read_clips
from tinyalm_distill.teachers import open_caption_teacher, open_teacher
from tinyalm_distill.teachers.lalm.tasks import questions

PROMPT = "What is heard?"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Names of the teacher that describes and of the judge."""
    root = tmp_path_factory.mktemp("models")
    lalm, clap = save_qwen2_audio(root / "qwen"), save_clap(root / "clap", fused=False)
    return f"lalm:{lalm}", f"clap:{clap}"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips, the third of which is no sound."""
    root = tmp_path_factory.mktemp("sounds")
    for number, sound in enumerate(sounds((0.3, 0.6, 0.4, 1.0))):
        soundfile.write(root / f"{number}.wav", sound, RATE)
    (root / "2.wav").write_bytes(b"nonsense")
    rows = ["file,label,split,licence", *(f"{n}.wav,dog,train,CC0-1.0" for n in range(4))]
    (root / "clips.csv").write_text("\n".join(rows))
    return root / "clips.csv"


def describe(models: tuple[str, str], manifest: Path, out: Path, *more: str) -> list[str]:
    teacher, judge = models
    options = ("--teacher", teacher, "--judge", judge, "--batch-size", "2", "--out", str(out))
    return ["describe", str(manifest), *options, *more]


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_greedy_answers_are_the_same_alone_in_a_batch_and_again(models) -> None:
    teacher = open_caption_teacher(models[0])
    assert teacher.sample_rate == 16000
    given = sounds((0.3, 1.2, 3.0))
    together = teacher.describe(given, RATE, PROMPT)
    assert together == teacher.describe(given, RATE, PROMPT)
    assert together == [teacher.describe([sound], RATE, PROMPT)[0] for sound in given]
    assert len({caption.text for caption in together}) == 3  # it does hear them
    assert together[0].prompt == PROMPT
    assert together[0].model == f"lalm:qwen {teacher.revision}"
    assert "<|AUDIO|>" not in together[0].text
    assert teacher.describe([], RATE, PROMPT) == []


def test_drawn_answers_follow_the_seed(models) -> None:
    given = sounds((0.3, 1.2))
    first, again, other = (
        open_caption_teacher(models[0], temperature=1.0, seed=seed).describe(given, RATE, PROMPT)
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first != open_caption_teacher(models[0]).describe(given, RATE, PROMPT)


def test_what_the_judge_agrees_with_becomes_a_manifest(
    models, manifest: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "described.jsonl"
    more = ("--task", "caption", "--task", "labels", "--task", "question", "--labels", "rain,car")
    ran = CliRunner().invoke(distill, describe(models, manifest, out, *more, "--threshold", "0.1"))
    assert ran.exit_code == 2  # for the clip that is no sound
    assert "2.wav" in ran.stderr
    judge = open_teacher(models[1])
    records = rows(out)
    assert [record["file"] for record in records] == [
        os.path.relpath(manifest.parent / f"{n}.wav", out.parent) for n in range(4)
    ]
    assert records[2]["answers"] == []
    assert "2.wav" in records[2]["skipped"]
    heard, _ = soundfile.read(manifest.parent / "3.wav", dtype="float32")
    sound = judge.embed_audio([heard], RATE)[0]
    answers = records[3]["answers"]
    assert [answer["task"] for answer in answers] == ["caption", "labels", "question", "question"]
    assert "rain" in answers[2]["prompt"]
    (caption,) = answers[0]["claims"]
    assert caption["text"] == answers[0]["text"]
    assert caption["score"] == pytest.approx(
        judge.embed_text([caption["text"]])[0] @ sound, abs=1e-4
    )
    for record in records:
        claims = [claim for answer in record["answers"] for claim in answer["claims"]]
        assert all(claim["kept"] == (claim["score"] >= 0.1) for claim in claims)
    assert records[3]["made_by"]["model"].startswith("lalm:qwen ")
    assert records[3]["made_by"]["judge"] == f"{judge.name} {judge.revision}"
    clips = read_clips(str(out))
    assert [clip.file.resolve() for clip in clips] == [
        (manifest.parent / f"{n}.wav").resolve() for n in range(4)
    ]
    for clip, record in zip(clips, records, strict=True):
        assert clip.labels[0] == "dog"  # what the manifest said stays
        assert (clip.split, clip.licence) == ("train", "CC0-1.0")
        kept = [c["text"] for a in record["answers"][:1] for c in a["claims"] if c["kept"]]
        assert list(clip.captions) == [part.strip() for text in kept for part in text.split("|")]


def test_a_threshold_nothing_reaches_keeps_nothing(models, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "none.jsonl"
    CliRunner().invoke(distill, describe(models, manifest, out, "--threshold", "1"))
    assert all(record["caption"] == [] for record in rows(out))
    assert all(record["answers"] for record in rows(out) if not record["skipped"])


def test_whatever_an_interrupt_leaves_is_gone_on_with(
    models, manifest: Path, tmp_path: Path
) -> None:
    out = tmp_path / "described.jsonl"
    command = describe(models, manifest, out, "--temperature", "1")
    CliRunner().invoke(distill, command)
    whole = out.read_bytes()
    draw = np.random.default_rng(0)
    for stop in [len(whole), *draw.integers(1, len(whole), 2)]:
        out.write_bytes(whole[: int(stop)])
        ran = CliRunner().invoke(distill, command)
        assert ran.exit_code == 2
        assert "2.wav" in ran.stderr
        assert out.read_bytes() == whole


@pytest.mark.slow
def test_killed_and_started_again_it_ends_the_same(models, manifest: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    CliRunner().invoke(distill, describe(models, manifest, whole))
    command = [*COMMAND, "distill", *describe(models, manifest, out)]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL) as child:
        for _ in range(6000):
            if child.poll() is not None or (out.is_file() and out.stat().st_size):
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    assert out.stat().st_size
    CliRunner().invoke(distill, describe(models, manifest, out))
    assert out.read_bytes() == whole.read_bytes()


def test_records_of_something_else_are_left_alone(models, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "described.jsonl"
    CliRunner().invoke(distill, describe(models, manifest, out))
    before = out.read_bytes()

    def refused(message: str, *more: str) -> None:
        ran = CliRunner().invoke(distill, describe(models, manifest, out, *more))
        assert isinstance(ran.exception, ConfigError)
        assert message in str(ran.exception)

    refused("row 1 is of other settings; choose another --out", "--threshold", "0.3")
    shutil.copy(manifest, manifest.parent / "fewer.csv")
    (manifest.parent / "fewer.csv").write_text("file\n1.wav\n")
    ran = CliRunner().invoke(distill, describe(models, manifest.parent / "fewer.csv", out))
    assert "row 1 is of another clip" in str(ran.exception)
    assert out.read_bytes() == before
    out.write_text('{"file": "a.wav"}\n' * 4)
    refused("row 1 is no description")
    ran = CliRunner().invoke(distill, describe(models, manifest, tmp_path / "a.csv"))
    assert "--out must end in .jsonl" in str(ran.exception)


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        ("Dog barking, rain; 3. a car.", ["dog barking", "rain", "a car"]),
        ("- wind\n- wind\n* Bells", ["wind", "bells"]),
        ("", []),
        ("I hear " + "very " * 20 + "much, and a bell", ["and a bell"]),
    ],
)
def test_lists_of_sounds_are_taken_apart(answer: str, claims: list[str]) -> None:
    (asked,) = questions(["labels"], [])
    assert asked.claims(answer) == claims


def test_yes_and_no() -> None:
    caption, asked = questions(["caption", "question"], ["rain"])
    assert asked.claims(" Yes, it is raining.") == ["rain"]
    assert asked.claims("No, yesterday it did.") == asked.claims("Yesterday") == []
    assert caption.claims("A dog.") == ["A dog."]
    for tasks, labels in ((["question"], []), (["caption"], ["rain"])):
        with pytest.raises(ConfigError, match="go together"):
            questions(tasks, labels)


def test_what_does_not_describe_is_one_line(models, tmp_path: Path) -> None:
    def refused(name: str, kind: type[Exception], message: str) -> None:
        with pytest.raises(kind, match=message) as raised:
            open_caption_teacher(name)
        assert "\n" not in str(raised.value)

    refused("yamnet-minilm", ConfigError, "describes no sounds; name one as lalm:PATH_OR_ID")
    refused(models[1].replace("clap:", "lalm:"), ConfigError, "does not put sounds into words")
    BertModel(BertConfig(num_hidden_layers=1, hidden_size=24)).save_pretrained(tmp_path / "bert")
    refused(f"lalm:{tmp_path / 'bert'}", ConfigError, "a checkpoint of 'bert'")
    folder = shutil.copytree(models[0].removeprefix("lalm:"), tmp_path / "qwen")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    refused(f"lalm:{folder}", DataError, "its weights cannot be loaded")
    (folder / "processor_config.json").unlink()
    refused(f"lalm:{folder}", ConfigError, "no processor|hears no sound")
    (folder / "config.json").write_text('{"model_type": "from the future"}')
    refused(f"lalm:{folder}", ConfigError, "transformers does not know 'from the future'")
    (folder / "config.json").unlink()
    refused(f"lalm:{folder}", ConfigError, r"holds no config\.json")
    refused(f"lalm:{weights}", ConfigError, "a file; give a folder")


def test_the_command_line_says_one_line(tmp_path: Path, manifest: Path) -> None:
    ran = tinyalm(
        *("distill", "describe", manifest, "--teacher", f"lalm:{tmp_path}"),
        *("--out", tmp_path / "a.jsonl"),
    )
    assert ran.returncode == 2
    assert "holds no config.json" in one_line(ran.stderr)
