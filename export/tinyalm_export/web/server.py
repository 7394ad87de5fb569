"""A server of a static folder for this machine alone."""

import errno
import gzip
import mimetypes
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tinyalm.errors import ConfigError
from tinyalm_export.web.folder import INDEX, SITE
from tinyalm_export.web.headers import HEADERS

ADDRESS = "127.0.0.1"
# Browsers refuse modules and WebAssembly of another type, and a system's own table may lack them.
TYPES = {
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".onnx": "application/octet-stream",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_HASHED = ("assets", "bundle-", "ort-")  # folders whose names or files change with their content
_STORED = (".png",)  # compressed already


class PageServer(ThreadingHTTPServer):
    """Serves ``folder`` on 127.0.0.1, with the headers that isolate the page.

    Args:
        folder: what `export_web` wrote.
        port: 0 for any that is free.

    Raises:
        ConfigError: no such folder, or a port that cannot be had.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        if not (folder / SITE).is_file():
            raise ConfigError(
                f"{folder}: no page here ({SITE} is missing); make one with "
                f"'tinyalm export BUNDLE --to web --out {folder}'"
            )
        self.root = folder.resolve()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "in use already" if taken else (error.strerror or str(error))
            raise ConfigError(f"port {port}: {why}; choose another --port") from None

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def file_at(self, path: str) -> Path | None:
        """The file that the path of an address names; None for none within the folder."""
        name = unquote(urlsplit(path).path).lstrip("/") or INDEX
        file = self.root / name
        try:
            inside = file.resolve().is_relative_to(self.root) and file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            return None
        return file if inside else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PageServer

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: nobody is to be told what is asked for."""

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def _answer(self, *, with_content: bool) -> None:
        file = self.server.file_at(self.path)
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        stat = file.stat()
        zipped = "gzip" in self.headers.get("Accept-Encoding", "") and file.suffix not in _STORED
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}{"-gz" if zipped else ""}"'
        known = self.headers.get("If-None-Match") == tag
        self.send_response(HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK)
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        lasting = file.relative_to(self.server.root).parts[0].startswith(_HASHED)
        self.send_header("Cache-Control", "max-age=31536000, immutable" if lasting else "no-cache")
        if known:
            self.end_headers()
            return
        content = _content(file, stat.st_mtime_ns, zipped)
        self.send_header("Content-Type", _type(file))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)


def _type(file: Path) -> str:
    kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    text = kind is not None and kind.startswith("text/")
    return f"{kind}; charset=utf-8" if text else kind or "application/octet-stream"


@lru_cache(maxsize=64)  # of one folder's files: ONNX Runtime's takes half a second to compress
def _content(file: Path, _changed_ns: int, zipped: bool) -> bytes:
    content = file.read_bytes()
    return gzip.compress(content, 6, mtime=0) if zipped else content
