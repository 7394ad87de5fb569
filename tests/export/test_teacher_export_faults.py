"""Checkpoints and places that no teacher can be exported from or to: one line each."""

import json
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from tests.distill.teachers.models import save_clap
from tinyalm.cli.main import cli

NC = "---\nlicense: cc-by-nc-4.0\n---\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return save_clap(tmp_path_factory.mktemp("teacher") / "clap", fused=False)


@pytest.fixture
def teacher(saved, tmp_path) -> Path:
    """A copy to be spoilt."""
    return shutil.copytree(saved, tmp_path / "clap")


def refused(teacher: Path, *options: str, out: str = "made") -> str:
    """The line with which the command ends, after which the place is as it was."""
    before = sorted(teacher.parent.rglob("*"))
    args = ["export", f"clap:{teacher}", *options]
    if out:
        args += ["--out", str(teacher.parent / out)]
    ended = CliRunner().invoke(cli, args)
    assert ended.exit_code == 2, ended.output
    assert sorted(teacher.parent.rglob("*")) == before
    return ended.output.splitlines()[-1]


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def spoil_weights(folder: Path, *, drop: bool) -> str:
    path = folder / "model.safetensors"
    weights = load_file(path)
    name = "text_projection.linear1.bias"
    if drop:
        del weights[name]
    else:
        weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, path, metadata={"format": "pt"})
    return name


def test_a_folder_that_is_not_there_says_how_to_fetch_one(tmp_path):
    line = refused(tmp_path / "nowhere")
    assert "nowhere: no such folder" in line
    assert "hf download ORGANISATION/MODEL --local-dir FOLDER" in line


def test_a_file_of_weights_is_refused(tmp_path):
    (tmp_path / "630k.pt").write_bytes(b"weights")
    assert "630k.pt: a file of weights, and a folder is exported" in refused(tmp_path / "630k.pt")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("config.json", "holds no config.json; give a folder that save_pretrained"),
        ("tokenizer.json", "its text tower has no tokenizer.json; write it with AutoTokenizer"),
        ("preprocessor_config.json", "no preprocessor settings"),
        ("model.safetensors", "its weights cannot be loaded"),
    ],
)
def test_a_missing_file_is_named(teacher, file, why):
    (teacher / file).unlink()
    assert why in refused(teacher)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("config.json", "config.json: not a config"),
        ("tokenizer.json", "tokenizer.json: not a tokenizer"),
        ("model.safetensors", "its weights cannot be loaded"),
    ],
)
def test_a_damaged_file_is_named(teacher, file, why):
    (teacher / file).write_bytes((teacher / file).read_bytes()[:200])
    assert why in refused(teacher)


def test_another_architecture_is_refused(teacher):
    change(teacher / "config.json", model_type="whisper")
    assert "a checkpoint of 'whisper', not of 'clap'; name another" in refused(teacher)


def test_a_processor_of_another_model_is_refused(teacher):
    change(teacher / "preprocessor_config.json", feature_size=80)
    line = refused(teacher)
    assert "1001 frames of 80 bands, and its audio tower takes 1024 of 64" in line
    change(teacher / "preprocessor_config.json", padding="mirror")
    assert "padding 'mirror'; known are fusion, rand_trunc; repeatpad" in refused(teacher)


def test_a_tokenizer_of_more_words_than_the_tower_knows_is_refused(teacher):
    tokenizer = json.loads((teacher / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words |= {f"word{number}": len(words) + number for number in range(40)}
    (teacher / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert "and the text tower knows 360; put the tokenizer" in refused(teacher)


def test_weights_that_are_no_numbers_are_named(teacher):
    name = spoil_weights(teacher, drop=False)
    assert f"{name} holds NaN or infinity" in refused(teacher)


def test_weights_that_are_not_the_configs_are_named(teacher):
    name = spoil_weights(teacher, drop=True)
    line = refused(teacher)
    assert "weights and config do not belong together (1 missing keys" in line
    assert name in line


def test_a_licence_that_forbids_something_is_accepted_by_name(teacher):
    (teacher / "README.md").write_text(NC)
    assert refused(teacher).endswith("if you may, add --accept-licence CC-BY-NC")
    (teacher / "tokenizer.json").unlink()
    assert "tokenizer.json" in refused(teacher, "--accept-licence", "CC-BY-NC")


def test_what_is_no_exported_teacher_is_not_replaced(teacher):
    (teacher.parent / "made").mkdir()
    assert "made: exists and is no exported teacher; choose another name" in refused(teacher)


def test_options_that_do_not_fit_a_teacher_are_named(teacher):
    assert "name the folder to make: --out FOLDER" in refused(teacher, out="")
    line = refused(teacher, "--precision", "int8")
    assert "--precision goes with a student; leave it out" in line


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_takes_no_more_leaves_nothing(teacher):
    with files_of_at_most(5000):
        line = refused(teacher)
    assert "File too large" in line
