import csv
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.audio_files import bad_files
from tests.distill.sounds import make_recipe, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import ConfigError, DataError, ExportError
from tinyalm.licences import check_licences
from tinyalm.models.checkpoint import load_calibration, load_student
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recipe import DataConfig, Recipe
from tinyalm_distill.run import distil
from tinyalm_distill.run_folder import claim
from tinyalm_distill.splits import split_clips

KILLS = int(os.environ.get("TINYALM_TEST_KILLS", "4"))  # more for a thorough trial

pytestmark = pytest.mark.usefixtures("own_cache")

# The teacher of the tests has no name on the command line, so a process of its own is this script.
SCRIPT = """
import sys
from pathlib import Path
from tests.distill.sounds import make_recipe
from tests.fake_teacher import ToneTeacher
from tinyalm_distill.run import distil
from tinyalm_distill.run_folder import claim

recipe, out = make_recipe(Path(sys.argv[1]), steps=int(sys.argv[3])), Path(sys.argv[2])
claim(out, recipe, resume=True)
distil(recipe, ToneTeacher(), out, say=print)
"""


def run(recipe: Recipe, out: Path) -> list[str]:
    said: list[str] = []
    claim(out, recipe, resume=False)
    distil(recipe, ToneTeacher(), out, say=said.append)
    return said


def test_a_recipe_becomes_a_checkpoint(tmp_path: Path) -> None:
    manifest = make_sounds(tmp_path / "sounds", per_word=4)
    out, words = tmp_path / "student", tmp_path / "words.txt"
    words.write_text("a horn and a beep\nthe hum\n")
    recipe = make_recipe(manifest)
    data = DataConfig(manifests=[str(manifest)], texts=[str(words)], licences=["CC-BY-NC-4.0"])
    said = run(msgspec.structs.replace(recipe, data=data), out)
    student = load_student(out)
    meta = student.meta
    assert meta.labels == ["beep", "buzz", "horn", "hum"]
    assert meta.calibration is None  # four pairs are too few to fit scores on
    assert meta.provenance.teacher == "tones 1"
    assert [(s.name, s.clips, s.licence) for s in meta.provenance.data] == [
        ("sounds", 12, "CC0-1.0"),
        ("words.txt", 0, "CC-BY-NC-4.0"),
    ]
    with pytest.raises(ExportError, match=r"data words\.txt.*--accept-licence CC-BY-NC"):
        check_licences(meta.provenance, [])
    assert meta.provenance.metrics.keys() == {"cosine", "text"}
    assert {w.size for w in load_calibration(out)} <= {4000, 8000}
    assert any("mean cosine to the teacher" in line for line in said)


def test_bad_clips_are_said_and_survived(tmp_path: Path) -> None:
    manifest = make_sounds(tmp_path / "sounds")
    bad = bad_files(tmp_path / "sounds")
    with manifest.open("a", newline="") as file:
        csv.writer(file).writerows([path.name, "hum", "train", ""] for path in bad.values())
    said = run(make_recipe(manifest, steps=2), tmp_path / "student")
    for path in bad.values():
        assert sum(str(path) in line and line.startswith("skipped ") for line in said) == 1
    assert f"{len(bad)} of {12 + len(bad)} clips skipped" in said


def run_process(manifest: Path, folder: Path, limit_s: float | None = None) -> float:
    """A run in a process of its own, killed after ``limit_s``; gives the seconds it took."""
    environment = {**os.environ, "TINYALM_CACHE": str(folder / "cache")}
    command = [sys.executable, "-c", SCRIPT, str(manifest), str(folder / "student"), "40"]
    began = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            assert process.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            process.kill()
    return time.monotonic() - began


def checkpoint_of(folder: Path) -> list[bytes]:
    names = ("student.safetensors", "tokenizer.json", "calibration.safetensors")
    return [(folder / "student" / name).read_bytes() for name in names]


def test_kills_at_any_moment_change_nothing_but_the_time(tmp_path: Path) -> None:
    manifest, draw = make_sounds(tmp_path / "sounds"), random.Random(0)
    whole_s = run_process(manifest, tmp_path / "undisturbed")
    spent, folder = 0, tmp_path / "killed-0"
    while spent < KILLS or not (folder / "student" / "student.json").is_file():
        if (folder / "student" / "student.json").is_file():
            assert checkpoint_of(folder) == checkpoint_of(tmp_path / "undisturbed")
            folder = tmp_path / f"killed-{spent}"
        # Anywhere between the imports, which are half of it, and the end.
        limit_s = draw.uniform(0.4, 1.0) * whole_s if spent < KILLS else None
        run_process(manifest, folder, limit_s)
        spent += 1
    assert checkpoint_of(folder) == checkpoint_of(tmp_path / "undisturbed")


def test_folders_in_use_are_refused_with_the_remedy(tmp_path: Path) -> None:
    recipe = make_recipe(make_sounds(tmp_path / "sounds"), steps=2)
    out = tmp_path / "student"
    run(recipe, out)
    with pytest.raises(ConfigError, match="finished checkpoint; choose another --out"):
        claim(out, recipe, resume=True)
    (out / "student.json").unlink()
    with pytest.raises(ConfigError, match="add --resume to go on"):
        claim(out, recipe, resume=False)
    with pytest.raises(ConfigError, match="is not empty; choose another"):
        claim(tmp_path / "sounds", recipe, resume=False)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        claim(tmp_path / "file", recipe, resume=False)


def test_resuming_with_another_recipe_is_refused(tmp_path: Path) -> None:
    recipe = make_recipe(make_sounds(tmp_path / "sounds"), steps=4)
    run(recipe, tmp_path / "student")
    (tmp_path / "student" / "student.json").unlink()
    longer = msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, steps=8))
    claim(tmp_path / "student", longer, resume=True)
    with pytest.raises(DataError, match="the state of another recipe"):
        distil(longer, ToneTeacher(), tmp_path / "student", say=print)


def test_a_teacher_of_another_rate_and_without_classes(tmp_path: Path) -> None:
    recipe = make_recipe(make_sounds(tmp_path / "sounds"))
    recipe = msgspec.structs.replace(recipe, labels="teacher")
    teacher = ToneTeacher()
    teacher.sample_rate, teacher.labels = 8000, []
    # It is asked about sounds at the student's rate, which it sees to itself (see ToneTeacher).
    outcome = distil(recipe, teacher, tmp_path / "student", say=print)
    assert outcome.meta.labels == []
    assert load_student(tmp_path / "student").meta.template == "{}"


def clips(*splits: str) -> list[Clip]:
    return [Clip(file=Path(f"{i}.wav"), split=split) for i, split in enumerate(splits)]


def test_splits_come_from_the_manifest_where_it_has_them() -> None:
    train, dev = split_clips(clips("train", "dev", "test", "train"), DataConfig(manifests=[]))
    assert [c.file.name for c in train] == ["0.wav", "3.wav"]
    assert [c.file.name for c in dev] == ["1.wav"]


def test_clips_without_a_split_are_shared_out_by_whole_files() -> None:
    whole = [Clip(file=Path(f"{i // 2}.wav"), start_s=i % 2) for i in range(40)]
    train, dev = split_clips(whole, DataConfig(manifests=[], validation_share=0.1))
    assert len(dev) == 4
    assert not {c.file for c in dev} & {c.file for c in train}


@pytest.mark.parametrize("splits", [("train", "train"), ("dev",), ("test", "test")])
def test_a_side_without_clips_is_an_error(splits: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"no clips of split .* \(splits found: "):
        split_clips(clips(*splits), DataConfig(manifests=[]))


def test_the_calibration_scores_what_the_labels_say(tmp_path: Path) -> None:
    manifest = make_sounds(tmp_path / "sounds", per_word=9)
    lines = manifest.read_text().splitlines()
    half = [line.replace(",train,", ",dev,") if i % 2 else line for i, line in enumerate(lines)]
    manifest.write_text("\n".join(half))
    recipe = make_recipe(manifest, steps=60)
    run(recipe, tmp_path / "student")
    calibration = load_student(tmp_path / "student").meta.calibration
    assert calibration is not None
    assert calibration.pairs % 4 == 0  # every clip with every label
    scores = 1 / (1 + np.exp(-(calibration.scale * np.array([0.2, 0.95]) + calibration.bias)))
    assert scores[0] < 0.5 < scores[1]


def test_several_processes_are_for_the_cache_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    recipe = make_recipe(make_sounds(tmp_path / "sounds"), steps=2)
    with pytest.raises(ConfigError, match="run is one process, not 2; several may fill the cache"):
        distil(recipe, ToneTeacher(), tmp_path / "student", say=print)
