"""`tinyalm serve`: what a browser on this machine is answered."""

import gzip
import http.client
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.process import COMMAND, environment, one_line
from tinyalm.errors import ConfigError
from tinyalm_export.web.headers import HEADERS
from tinyalm_export.web.server import PageServer


@pytest.fixture
def folder(tmp_path):
    """A folder as `export_web` writes it, in little, and a secret beside it."""
    site = tmp_path / "site"
    (site / "ort-1").mkdir(parents=True)
    (site / "index.html").write_text("<!doctype html><title>the page</title>")
    (site / "site.js").write_text("self.TINYALM_SITE = {};")
    (site / "ort-1" / "ort.wasm").write_bytes(b"\0asm" * 1000)
    (site / "ort-1" / "ort.mjs").write_text("export {}")
    (tmp_path / "secret.txt").write_text("not for you")
    (site / "way-out").symlink_to(tmp_path / "secret.txt")
    return site


@pytest.fixture
def ask(folder):
    """Ask a running server for a path; its response, and its body."""
    with PageServer(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def ask(path, method="GET", **headers):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=fields)
            response = connection.getresponse()
            body = response.read()
            connection.close()
            return response, body

        yield ask
        server.shutdown()
        thread.join()


def test_files_come_with_their_types_and_headers(ask):
    types = {
        "/": "text/html; charset=utf-8",
        "/site.js": "text/javascript; charset=utf-8",
        "/ort-1/ort.mjs?v=1": "text/javascript; charset=utf-8",
        "/ort-1/ort.wasm": "application/wasm",
    }
    for path, kind in types.items():
        response, _ = ask(path)
        assert (response.status, response.getheader("Content-Type")) == (200, kind)
        assert {name: response.getheader(name) for name in HEADERS} == HEADERS
    assert ask("/")[1] == b"<!doctype html><title>the page</title>"


def test_what_is_asked_for_zipped_comes_zipped_and_is_small(ask):
    response, body = ask("/ort-1/ort.wasm", Accept_Encoding="gzip, br")
    assert response.getheader("Content-Encoding") == "gzip"
    assert len(body) < 100
    assert gzip.decompress(body) == ask("/ort-1/ort.wasm")[1] == b"\0asm" * 1000


def test_what_is_known_is_not_sent_again(ask):
    response, _ = ask("/index.html")
    again, body = ask("/index.html", If_None_Match=response.getheader("ETag"))
    assert (again.status, body) == (304, b"")
    assert response.getheader("Cache-Control") == "no-cache"
    assert "immutable" in ask("/ort-1/ort.wasm")[0].getheader("Cache-Control")


def test_a_head_has_no_body(ask):
    response, body = ask("/", method="HEAD")
    assert (response.status, body, response.getheader("Content-Length")) == (200, b"", "38")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/ort-1/../../secret.txt",
        "/%2e%2e/secret.txt",
        "//../secret.txt",
        "/way-out",
        "/ort-1",
        "/ort-1/",
        "/no-such-file",
        "/index.html%00.js",
        "/..\\secret.txt",
        "/" + "x" * 5000,
    ],
)
def test_nothing_but_its_own_files_is_answered(ask, path):
    response, body = ask(path)
    assert response.status in (404, 414)
    assert b"not for you" not in body
    assert response.getheader("Content-Security-Policy")


def test_other_methods_change_nothing(ask, folder):
    assert ask("/index.html", method="DELETE")[0].status == 501
    assert (folder / "index.html").is_file()


def test_no_other_machine_is_answered(folder):
    with PageServer(folder, 0) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_a_port_in_use_is_said(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: in use already; choose another"):
            PageServer(folder, port)


def test_a_folder_without_a_page_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"no page here \(site.js is missing\); make one with"):
        PageServer(tmp_path, 0)


def test_the_command_serves_until_it_is_interrupted(folder):
    # A test runner in the background passes on an ignored SIGINT.
    code = f"import signal; signal.signal(2, signal.default_int_handler); {COMMAND[-1]}"
    command = [sys.executable, "-c", code, "serve", str(folder), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment())
    url, _, rest = process.stdout.readline().partition(" ")
    assert rest == f"shows {folder}; Ctrl-C ends it\n"
    host = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read().endswith(b"the page</title>")
    process.send_signal(signal.SIGINT)  # while the connection is still open
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 2
    assert one_line(stderr) == "tinyalm: interrupted; what was finished is kept"
    connection.close()
