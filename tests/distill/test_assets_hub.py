"""`pull` from a Hugging Face repository: the real library against a server on this machine."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tinyalm.cache import cache_dir
from tinyalm.errors import FetchError, MissingExtraError
from tinyalm_distill import registry
from tinyalm_distill.assets import require
from tinyalm_distill.fetch import pull

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = b"weights" * 1000
CONFIG = b"{}"
FILES = {"model.bin": WEIGHTS, "1_Pooling/config.json": CONFIG}


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for the files of one commit of `team/toy`."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        if content := self.answer():
            self.server.served.append(self.path)
            self.wfile.write(content)

    def answer(self):
        content = FILES.get(self.path.removeprefix(f"/team/toy/resolve/{COMMIT}/"))
        self.send_response(404 if content is None else 200)
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        return content

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.served = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(registry, "REGISTRY", tmp_path / "assets.json")
        yield server
        server.shutdown()
        thread.join()


def register(files):
    pins = [
        {
            "member": member,
            "path": f"net/{member}",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for member, content in files.items()
    ]
    source = {"type": "hub", "repo_id": "team/toy", "revision": COMMIT, "licence": "MIT"}
    toy = {"name": "toy", "kind": "teacher", "description": "a toy"}
    registry.REGISTRY.write_text(json.dumps([{**toy, "sources": [{**source, "files": pins}]}]))


def failed_pull():
    with pytest.raises(FetchError) as caught:
        pull("toy")
    assert "\n" not in str(caught.value)
    assert list((cache_dir() / "tmp").iterdir()) == []
    assert not (cache_dir() / "assets").exists()
    return str(caught.value)


@pytest.mark.usefixtures("hub")
def test_pull_then_offline(monkeypatch):
    register(FILES)
    folder = pull("toy")
    assert (folder / "net" / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "net" / "1_Pooling" / "config.json").read_bytes() == CONFIG
    assert list(cache_dir().glob("downloads/*")) == []
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert pull("toy") == require("toy") == folder


def test_changed_file_is_refused_and_the_good_one_is_kept(hub):
    register({"model.bin": WEIGHTS, "1_Pooling/config.json": b"[]"})
    expected, got = (hashlib.sha256(content).hexdigest()[:12] for content in (b"[]", CONFIG))
    what = f"team/toy/1_Pooling/config.json: SHA-256 should be {expected} and is {got}"
    assert what in failed_pull()
    register(FILES)
    pull("toy")
    assert sum(path.endswith("model.bin") for path in hub.served) == 1


@pytest.mark.usefixtures("hub")
def test_no_such_file():
    register({**FILES, "absent.bin": b"absent"})
    message = failed_pull()
    assert "team/toy/absent.bin: cannot be downloaded (" in message
    assert "EntryNotFoundError" in message
    assert "404" in message


@pytest.mark.usefixtures("hub")
def test_no_network(monkeypatch):
    register(FILES)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "team/toy/model.bin: no connection (" in failed_pull()


@pytest.mark.usefixtures("hub")
def test_without_the_library(monkeypatch):
    register(FILES)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r'pip install "tinyalm\[distill\]"'):
        pull("toy")
