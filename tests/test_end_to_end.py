"""The main job on the real teacher and real sounds: small, but every part is the real one."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import tinyalm
from tests.process import COMMAND, environment
from tinyalm.audio import read

QUICK = ["train.steps=50", "train.validate_every=25", "train.warmup=5", "views.views=1"]
QUICK += ["text.vocabulary=300", "text.phrases=0", "text.epochs=1"]


@pytest.fixture(scope="module")
def home(pulled_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the commands of `make demo` have run, with fewer steps."""
    folder = tmp_path_factory.mktemp("home")
    recipe = str(Path("distill/recipes/demo.yaml").absolute())
    changes = [part for change in QUICK for part in ("--set", change)]
    demo, student = "build/demo", "build/demo/student"
    bundles = [f"{student}-{precision}.tinyalm" for precision in ("fp32", "int8")]
    report = ["--out", demo, "--checkpoint", student, "--picture", f"{demo}/clips/owl-4.2s.wav"]
    report += [part for bundle in bundles for part in ("--bundle", bundle)]
    commands = [
        ["distill", "run", recipe, "--out", student, *changes],
        ["export", student, "--out", bundles[0]],
        ["export", student, "--out", bundles[1], "--precision", "int8"],
        ["distill", "cut", "asset:demo-sounds", "--split", "dev", "--out", f"{demo}/clips"],
        ["eval", "report", "--manifest", "asset:demo-sounds", "--split", "dev", *report],
    ]
    for command in commands:
        run(folder, *command)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A tinyalm command as a process of its own, which must succeed and stay quiet about itself."""
    ran = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(TINYALM_CACHE=str(Path("build/test-cache").absolute())),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr
    return ran


def test_int8_is_small_and_says_what_fp32_says(home: Path) -> None:
    fp32, int8 = (tinyalm.load(home / f"build/demo/student-{p}.tinyalm") for p in ("fp32", "int8"))
    graphs = ("audio.onnx", "text.onnx")
    sizes = [sum(model.manifest.files[file].bytes for file in graphs) for model in (fp32, int8)]
    assert sizes[1] <= 0.31 * sizes[0]
    clips = sorted((home / "build/demo/clips").glob("*.wav"))
    cosines = (fp32.embed_audio(clips) * int8.embed_audio(clips)).sum(axis=1)
    assert cosines.mean() >= 0.99
    texts = ["dog barking", "a train passes", "rain"]
    assert (fp32.embed_text(texts) * int8.embed_text(texts)).sum(axis=1).min() >= 0.99


def test_the_student_has_learned_to_tell_sounds_apart(home: Path) -> None:
    rows = json.loads((home / "build/demo/report.json").read_text())
    teacher, fp32, int8 = rows
    assert teacher["name"] == "yamnet-minilm"
    assert teacher["zero_shot"]["clips"] == 17
    assert fp32["comparison"]["cosine"]["value"] > 0.2  # 50 steps; a blind student stays near 0
    assert abs(fp32["comparison"]["cosine"]["value"] - int8["comparison"]["cosine"]["value"]) < 0.02


def test_the_report_has_its_table_and_pictures(home: Path) -> None:
    page = (home / "build/demo/report.md").read_text()
    assert page.count("| student-") == 8  # sizes, and three lengths each
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert pictures == ["tags-1.png", "training.png", "costs.png"]
    for name in pictures:
        assert (home / "build/demo" / name).read_bytes().startswith(b"\x89PNG")


def test_the_readme_runs_as_printed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"```python\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(home)
    exec(compile(code[1], "README.md", "exec"), {})
    assert "dog barking" in capsys.readouterr().out


def test_what_the_command_tags_is_what_the_library_tags(home: Path) -> None:
    bundle, clip = "build/demo/student-int8.tinyalm", "build/demo/clips/cow-3.3s.wav"
    ran = run(home, "tag", clip, "--bundle", bundle, "--json", "--labels", "cow mooing,rain")
    printed = json.loads(ran.stdout)
    tags = tinyalm.load(home / bundle).tag(home / clip, ["cow mooing", "rain"])
    assert printed["tags"] == [pytest.approx(tag.to_dict(), abs=1e-6) for tag in tags]


def test_the_default_labels_are_the_datas(home: Path) -> None:
    model = tinyalm.load(home / "build/demo/student-int8.tinyalm")
    assert "dog barking" in model.manifest.labels
    assert len(model.manifest.labels) == 14
    assert model.manifest.provenance.teacher == "yamnet-minilm 1"
    assert {s.licence for s in model.manifest.provenance.data} == {"CC0-1.0", "licence not stated"}


def test_a_part_of_a_recording_is_the_clip_that_was_cut(home: Path, pulled_cache: Path) -> None:
    whole = pulled_cache / "assets/demo-sounds/animals/cow.mp3"
    part = read(whole, 16000, start_s=3.3)
    cut = read(home / "build/demo/clips/cow-3.3s.wav", 16000)
    assert np.abs(part - cut).max() < 1e-4  # 16 bits
