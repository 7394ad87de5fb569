"""Debian packages with real sounds in them, a list of them, and a mirror that serves them."""

import contextlib
import functools
import hashlib
import http.server
import io
import json
import struct
import tarfile
import threading
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def sweep(seed, seconds=1.0, rate=RATE):
    """A chirp in noise bursts, (samples,) float32: no two seeds sound alike."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    wave = np.zeros(len(time))
    for _ in range(12):
        start, length = random.uniform(0, min(seconds, 2.0)), random.uniform(0.05, 0.3)
        burst = np.sin(2 * np.pi * random.uniform(150, 4000) * time)
        wave += burst * (np.abs(time - start) < length)
    wave += random.normal(0, 0.02, len(time))
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


def encoded(samples, kind="WAV", rate=RATE, **options):
    """An audio file's bytes."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, **options)
    return file.getvalue()


def deb(files, compression="xz"):
    """A .deb's bytes; ``files`` are contents by name, or `tarfile.TarInfo` for odd members."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return ar({"debian-binary": b"2.0\n", f"data.tar.{compression}": tar.getvalue()})


def ar(members):
    """An ar archive."""
    data = b"!<arch>\n"
    for name, content in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        data += header.encode() + content + b"\n" * (len(content) % 2)
    return data


def soundfont(samples, compressed=False, kinds=None):
    """A SoundFont of ``samples``, arrays by name; ``kinds`` are types of some of them."""
    pool, headers = b"", b""
    for name, wave in samples.items():
        data = encoded(wave, "OGG") if compressed else (wave * 32767).astype("<i2").tobytes()
        width = 1 if compressed else 2
        start, end = len(pool) // width, (len(pool) + len(data)) // width
        kind = (kinds or {}).get(name, 0x11 if compressed else 1)
        place = (start, end, start, end, RATE)
        headers += struct.pack("<20s5IBbHH", name.encode(), *place, 60, 0, 0, kind)
        pool += data
    headers += struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    lists = chunk(b"LIST", b"sdta" + chunk(b"smpl", pool))
    lists += chunk(b"LIST", b"pdta" + chunk(b"shdr", headers))
    return chunk(b"RIFF", b"sfbk" + lists)


def chunk(name, data):
    """A chunk of a RIFF file."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


class Mirror:
    """A folder with packages, the list of them, and the address it is served at.

    Attributes:
        asked: paths that were asked for, in order.
        held: a path that is not answered until `release` is set.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.address, self.mirrors = folder, None, []
        self.listing = folder / "list.json"
        self.asked, self.held, self.release = [], None, threading.Event()
        self._packages = []

    def add(self, package, content, kind="effects", **changes):
        """Put a package on the mirror and into the list, which may be wrong about it."""
        path = f"pool/{package}_1_all.deb"
        (self.folder / "pool").mkdir(exist_ok=True)
        (self.folder / path).write_bytes(content)
        entry = {
            "name": package,
            "version": "1",
            "path": path,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "licence": "CC0-1.0, and others",
            "kind": kind,
        }
        self._packages.append(entry | changes)
        self.write()

    def drop(self, package):
        """Take a package off the list."""
        self._packages = [p for p in self._packages if p["name"] != package]
        self.write()

    def write(self):
        """Write the list."""
        self.listing.write_text(json.dumps({"mirrors": self.mirrors, "packages": self._packages}))


@contextlib.contextmanager
def mirror(folder: Path):
    """Serve a new folder on this machine."""
    folder.mkdir()
    served = Mirror(folder)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            served.asked.append(self.path)
            if self.path == served.held:
                served.release.wait(60)
            with contextlib.suppress(ConnectionError):
                super().do_GET()

        def log_message(self, *args):
            """Say nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        served.address = f"http://127.0.0.1:{server.server_port}"
        served.mirrors = [served.address]
        try:
            yield served
        finally:
            served.release.set()
            server.shutdown()
            thread.join()
