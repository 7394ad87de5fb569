import subprocess
import time

import pytest

from tests.distill.gather.debs import deb, encoded, mirror, sweep
from tests.process import COMMAND, environment, tinyalm


@pytest.fixture
def debian(tmp_path):
    with mirror(tmp_path / "mirror") as served:
        for number, name in enumerate(("a-data", "b-data", "c-data")):
            files = {f"{i}.wav": encoded(sweep(10 * number + i)) for i in range(4)}
            served.add(name, deb(files))
        yield served


def command(debian, out):
    return "distill", "gather", debian.listing, "--out", out, "--jobs", 1


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def waited(ready, limit_s=60):
    """Wait until ``ready()``; whether it came to be."""
    end = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_run_goes_on_and_ends_like_another(debian, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    debian.held = "/pool/b-data_1_all.deb"
    child = subprocess.Popen(
        [*COMMAND, *map(str, command(debian, killed))], env=environment(), stderr=subprocess.PIPE
    )
    try:
        assert waited(lambda: debian.held in debian.asked or child.poll() is not None)
        assert child.poll() is None, child.stderr.read()
    finally:
        child.kill()
        child.communicate()
    assert not (killed / "manifest.csv").exists()
    debian.held = None
    debian.release.set()
    asked = len(debian.asked)
    assert tinyalm(*command(debian, killed)).returncode == 0
    assert debian.asked[asked:] == ["/pool/b-data_1_all.deb", "/pool/c-data_1_all.deb"]
    assert tinyalm(*command(debian, whole)).returncode == 0
    assert content(killed) == content(whole)
    assert not list((killed / ".parts/tmp").iterdir())


def test_a_second_run_downloads_nothing_and_changes_nothing(debian, tmp_path):
    out = tmp_path / "sounds"
    assert tinyalm(*command(debian, out)).returncode == 0
    first, asked = content(out), len(debian.asked)
    assert tinyalm(*command(debian, out)).returncode == 0
    assert content(out) == first
    assert len(debian.asked) == asked


def test_clips_that_the_list_no_longer_gives_are_removed(debian, tmp_path):
    out = tmp_path / "sounds"
    tinyalm(*command(debian, out))
    before = content(out)
    (out / "notes.flac").write_bytes(b"the user's own")
    debian.drop("b-data")
    assert tinyalm(*command(debian, out)).returncode == 0
    gone = before.keys() - content(out).keys()
    assert len(gone) == 4
    assert all(name.startswith("b-data__") for name in gone)
    assert (out / "notes.flac").exists()
