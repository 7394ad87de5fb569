"""The suite over miniature copies of the data sets."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.distill.published import MAKERS
from tests.process import one_line, tinyalm
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.suite.datasets import BENCHMARKS, NAMES

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_the_data_set_is_one_line(name: str, tmp_path: Path, bundle: Path) -> None:
    benchmark = next(one for one in BENCHMARKS if one.name == name)
    (tmp_path / benchmark.dataset.folders[-1]).mkdir()
    arguments = ["suite", "--data-root", str(tmp_path), "--dataset", name, "--bundle", str(bundle)]
    ran = CliRunner().invoke(evaluate, arguments)
    assert ran.exit_code == 0, ran.output
    (line,) = ran.stdout.splitlines()
    assert line.startswith(f"{name}: skipped: {tmp_path}")
    assert "is missing; the folder is not as published" in line


def test_the_suite_measures_what_is_there(tmp_path: Path, bundle: Path) -> None:
    for name, folder in (("esc50", "ESC-50-master"), ("audiocaps", "audiocaps")):
        MAKERS[name](tmp_path / "data" / folder)
    MAKERS["audioset"](tmp_path / "data/AudioSet")
    options = ["--bundle", str(bundle), "--against", str(bundle), "--probe", "--json"]
    out = tmp_path / "out"
    arguments = ["--data-root", str(tmp_path / "data"), *options, "--out", str(out)]
    ran = CliRunner().invoke(evaluate, ["suite", *arguments])
    assert ran.exit_code == 0, ran.output
    entries = {entry["dataset"]: entry for entry in map(json.loads, ran.stdout.splitlines())}
    assert tuple(entries) == NAMES
    esc = entries["esc50"]
    assert (esc["published"], esc["on_disk"]) == (10, 10)
    zero_shot, probe = esc["results"]
    assert zero_shot["facts"]["templates"] == ["This is a sound of {}"]
    assert zero_shot["figures"]["top-1"]["value"] == 1
    assert zero_shot["figures"]["top-1"]["retention"]["value"] == 1
    assert (probe["measure"], probe["facts"]["folds"], probe["clips"]) == ("probe", 5, 10)
    (retrieval,) = entries["audiocaps"]["results"]
    assert retrieval["facts"]["captions"] == 3
    (labels,) = entries["audioset"]["results"]  # no probe: nothing to train it on
    assert (entries["audioset"]["published"], entries["audioset"]["on_disk"]) == (2, 1)
    assert labels["facts"]["labels"] == 2
    assert entries["gtzan"]["skipped"].endswith("has no folder GTZAN or gtzan or genres")
    page = (out / "suite.md").read_text()
    assert "- gtzan: skipped: " in page
    assert "| tones.tinyalm | 1.000 [1.000, 1.000] |" in page
    assert (out / "suite.png").read_bytes().startswith(b"\x89PNG")
    assert [one["dataset"] for one in json.loads((out / "suite.json").read_text())] == list(NAMES)


def test_a_root_that_is_not_there_ends_in_one_line(tmp_path: Path, bundle: Path) -> None:
    ran = tinyalm("eval", "suite", "--data-root", tmp_path / "gone", "--bundle", bundle)
    assert ran.returncode == 2
    assert "gone: no such folder" in one_line(ran.stderr)
