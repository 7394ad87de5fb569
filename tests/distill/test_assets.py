"""The registry, the cache, and `pull` with real wheels and the real pip, given a local folder."""

import errno
import fcntl
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.distill.wheelhouse import CLASSES, GRAPH, PULL_CODE, failed_pull, open_shop, pin
from tinyalm.cache import cache_dir
from tinyalm.errors import FetchError
from tinyalm_distill.assets import require, state_of
from tinyalm_distill.commands.pull import pull as pull_command
from tinyalm_distill.fetch import pull
from tinyalm_distill.registry import WheelSource, asset, assets


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    return open_shop(tmp_path, monkeypatch)


def test_shipped_registry_pins_every_file_and_names_every_licence(monkeypatch):
    monkeypatch.undo()
    shipped = {item.name: item for item in assets()}
    assert set(shipped) == {"yamnet-minilm", "demo-sounds"}
    for item in shipped.values():
        for source in item.sources:
            assert isinstance(source, WheelSource)
            assert re.fullmatch("[0-9a-f]{64}", source.sha256)
            assert source.licence
            assert source.licence_note
            assert source.files
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in item.files)
        assert all(file.bytes > 0 for file in item.files)
    teacher = {file.path for file in shipped["yamnet-minilm"].files}
    assert {"yamnet/model.onnx", "yamnet/model.data", "yamnet/classes.csv"} < teacher
    assert {"minilm/model.safetensors", "minilm/tokenizer.json", "minilm/config.json"} < teacher
    assert len(shipped["demo-sounds"].files) == 14


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_registry_refuses_a_path_out_of_the_folder(shop, path):
    shop.register(shop.wheel("one", {"m": b"m"}, [pin("m", path, b"m")]))
    assert "leads out of the asset's folder" in failed_pull()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"colour": "red"}, "colour"),
        ({"licence": ""}, "licence"),
        ({"files": [pin("m", "same", b"m")] * 2}, "same path"),
    ],
)
def test_registry_refuses_what_makes_no_sense(shop, change, what):
    shop.register({**shop.wheel("one", {}, []), **change})
    message = failed_pull()
    assert what in message
    assert "reinstall tinyalm" in message


def test_unknown_asset_names_the_nearest_and_all(shop):
    shop.toy()
    with pytest.raises(FetchError, match=r"'toyy', did you mean 'toy'\? there are: toy$"):
        asset("toyy")
    with pytest.raises(FetchError, match=r"no asset is called 'clap'; there are: toy$"):
        pull("clap")


def test_cache_folder_is_the_first_that_is_set(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("TINYALM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "tinyalm"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "tinyalm"


def test_pull_then_offline_then_repair(shop):
    one, _ = shop.toy()
    with pytest.raises(FetchError, match=r"is not in the cache .* 'tinyalm distill pull toy'"):
        require("toy")
    litter = shop.cache / "tmp" / "killed" / "half"
    litter.parent.mkdir(parents=True)
    litter.write_bytes(b"half")
    seen = []
    folder = pull("toy", progress=lambda *step: seen.append(step))
    assert folder == shop.cache / "assets" / "toy"
    assert (folder / "net" / "model.onnx").read_bytes() == GRAPH
    assert (folder / "classes.csv").read_bytes() == CLASSES
    assert sorted(file.name for file in folder.rglob("*")) == ["classes.csv", "model.onnx", "net"]
    assert shop.left() == []
    assert ("unpack one 1.0", len(GRAPH), len(GRAPH)) in seen
    assert max(done for step, done, _ in seen if step == "download one 1.0") <= one["wheel_bytes"]

    shop.sell_out()
    assert require("toy") == pull("toy") == folder

    # Only the table's wheel is back, so the undamaged graph must come from the cache.
    shop.toy()
    next(shop.wheels.glob("one*")).unlink()
    (folder / "classes.csv").write_bytes(CLASSES.swapcase())
    assert state_of(asset("toy")) == "damaged"
    with pytest.raises(FetchError, match=r"is damaged .* 'tinyalm distill pull toy'"):
        require("toy")
    assert (pull("toy") / "classes.csv").read_bytes() == CLASSES
    assert state_of(asset("toy")) == "ready"
    assert shop.left() == []


def test_two_processes_at_once(shop):
    shop.toy()
    command = [sys.executable, "-c", PULL_CODE, str(shop.registry)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed == [str(require("toy"))] * 2
    assert shop.left() == []


def test_waits_for_another_pull(shop):
    shop.register(shop.toy()[0])
    shop.cache.mkdir()
    steps = []
    with (shop.cache / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def finish_the_other(step, _done, _total):
            steps.append(step)
            fcntl.flock(other, fcntl.LOCK_UN)

        pull("toy", progress=finish_the_other)
    assert steps[:2] == ["wait for another pull", "download one 1.0"]


def test_a_file_system_without_locks(shop, monkeypatch):
    shop.register(shop.toy()[0])
    others = shop.cache / "tmp" / "others"
    others.mkdir(parents=True)

    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    # Mocked, since the file system of a test has locks.
    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert pull("toy").is_dir()
    assert others.is_dir()


def test_command_pulls_and_lists(shop):
    shop.register(shop.toy()[0])
    runner = CliRunner()
    assert runner.invoke(pull_command, []).exit_code == 2
    listing = runner.invoke(pull_command, ["--list"]).stdout.splitlines()
    assert listing[0].split() == ["NAME", "KIND", "SIZE", "LICENCE", "STATE"]
    assert listing[1].split() == ["toy", "teacher", "0.3", "MB", "MIT", "missing"]
    result = runner.invoke(pull_command, ["toy"])
    assert result.stdout == f"{require('toy')}\n"
    assert "download one 1.0" in result.stderr
    assert "licence of one 1.0: MIT" in result.stderr
    assert runner.invoke(pull_command, ["--list", "toy"]).stdout.endswith("ready\n")
    assert isinstance(runner.invoke(pull_command, ["toy", "clap"]).exception, FetchError)
