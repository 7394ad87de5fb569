"""What `pull` does when something goes wrong: one line, and nothing half-made left behind."""

import errno
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.distill.wheelhouse import PULL_CODE, failed_pull, open_shop, pin, zipped
from tinyalm.errors import FetchError
from tinyalm_distill.fetch import pull
from tinyalm_distill.registry import WheelSource
from tinyalm_distill.unpack import unpack


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    return open_shop(tmp_path, monkeypatch)


def test_another_wheel_than_the_pinned_one_is_refused(shop):
    one, _ = shop.toy()
    shop.wheel("one", {"one/graph.zip": b"other"}, [])
    got = hashlib.sha256((shop.wheels / "one-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    message = failed_pull()
    assert f"should be {one['sha256'][:12]} and is {got[:12]}: the package changed" in message
    assert shop.left() == []
    assert not (shop.cache / "assets").exists()


@pytest.mark.parametrize(
    ("member", "content", "what"),
    [
        ("z.zip!m", b"not m", "a/m: SHA-256 should be"),
        ("z.zip!absent", b"m", "one 1.0, z.zip: holds no 'absent'"),
        ("absent.zip!m", b"m", "one 1.0: holds no 'absent.zip'"),
        ("plain!m", b"m", "one 1.0: not a zip file"),
    ],
)
def test_a_member_that_is_not_as_pinned_is_refused(shop, tmp_path, member, content, what):
    members = {"z.zip": zipped({"m": b"m"}), "plain": b"m"}
    source = shop.wheel("one", members, [pin(member, "a/m", content)])
    (wheel,) = shop.wheels.iterdir()
    with pytest.raises(FetchError, match=what):
        unpack(wheel, msgspec.convert(source, WheelSource), tmp_path, [].append)


def test_a_wheel_without_the_member_leaves_nothing(shop):
    shop.register(shop.wheel("one", {}, [pin("absent", "a/m", b"m")]))
    assert "one 1.0: holds no 'absent'; update tinyalm" in failed_pull()
    assert not (shop.cache / "assets").exists()
    assert list(shop.cache.glob("tmp/*")) == []


def test_a_path_in_the_wheel_decides_nothing(shop):
    members = {"../evil": b"evil", "../../unlisted": b"evil", f"{shop.cache}/absolute": b"evil"}
    shop.register(shop.wheel("one", members, [pin("../evil", "good", b"evil")]))
    assert [file.name for file in pull("toy").iterdir()] == ["good"]
    names = {file.name for file in shop.cache.parent.rglob("*")}
    assert not names & {"evil", "unlisted", "absolute"}


def test_no_network_and_no_such_wheel(shop, monkeypatch):
    shop.toy()
    shop.sell_out()
    message = failed_pull()
    assert "one==1.0: cannot be downloaded (No matching distribution found" in message
    assert shop.left() == []
    with socket.socket() as closed:  # bound but not listening: a connection is refused
        closed.bind(("127.0.0.1", 0))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_RETRIES", "1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        message = failed_pull()
    assert "one==1.0: no connection (" in message
    assert "Connection refused" in message
    assert "check the network" in message
    assert shop.left() == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (None, "has no pip; run"),
        ("ERROR: [Errno 28] " + os.strerror(errno.ENOSPC), "the disk is full"),
        ("", "exit status 1"),
    ],
)
def test_other_failures_of_pip(shop, monkeypatch, tmp_path, body, what):
    shop.toy()
    # A package that takes pip's place, since the real one cannot be made to fail so.
    fake = tmp_path / "path" / "pip"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    if body is not None:
        (fake / "__main__.py").write_text(f"import sys; print({body!r}, file=sys.stderr); exit(1)")
    monkeypatch.setenv("PYTHONPATH", str(fake.parent))
    assert what in failed_pull()
    assert shop.left() == []


def test_full_disk_keeps_the_download_for_the_next_pull(shop, monkeypatch):
    shop.toy()

    class FullDisk(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real_open = Path.open

    def open_on_full_disk(self, mode="r", *args, **options):
        return FullDisk() if mode == "xb" else real_open(self, mode, *args, **options)

    # Only the write of an unpacked file is mocked: a full disk cannot be had in a test.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        message = failed_pull()
    assert "the disk is full" in message
    assert "TINYALM_CACHE" in message
    assert shop.left() == ["downloads"]
    next(shop.wheels.glob("one*")).unlink()
    assert pull("toy").is_dir()


def test_unwritable_cache(shop, monkeypatch, tmp_path):
    shop.toy()
    (tmp_path / "file").touch()
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "file" / "cache"))
    message = failed_pull()
    assert "cannot be used as the cache (Not a directory)" in message
    assert "set TINYALM_CACHE" in message


def test_interrupt_keeps_what_is_verified(shop):
    shop.toy()

    def interrupt(step, _done, _total):
        if step == "unpack two 1.0":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("toy", progress=interrupt)
    assert shop.left() == ["downloads", "downloads"]
    assert not (shop.cache / "assets").exists()
    shop.sell_out()
    pull("toy")
    assert shop.left() == []


def test_ctrl_c_stops_pip_and_leaves_nothing(shop, monkeypatch):
    shop.toy()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        command = [sys.executable, "-c", PULL_CODE, str(shop.registry)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        with connection:
            connection.settimeout(60)
            while connection.recv(4096):  # pip is gone once the connection is at its end
                pass
    assert "KeyboardInterrupt" in stderr
    assert shop.left() == []
    assert not (shop.cache / "assets").exists()
