"""A folder of small real wheels for pip, with a registry and a cache of their own."""

import hashlib
import io
import json
import os
import zipfile

import pytest

from tinyalm.errors import FetchError
from tinyalm_distill import registry
from tinyalm_distill.fetch import pull

PULL_CODE = (
    "import pathlib, sys; from tinyalm_distill import fetch, registry; "
    "registry.REGISTRY = pathlib.Path(sys.argv[1]); print(fetch.pull('toy'))"
)
GRAPH, CLASSES = b"graph" * 60_000, b"0,Speech\n"


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pin(member, path, content):
    digest = hashlib.sha256(content).hexdigest()
    return {"member": member, "path": path, "bytes": len(content), "sha256": digest}


class Shop:
    """A folder of wheels for pip, a registry, and a cache."""

    def __init__(self, root):
        self.wheels, self.registry, self.cache = root / "wheels", root / "a.json", root / "cache"
        self.wheels.mkdir()

    def wheel(self, package, members, pins):
        """Put a wheel on the shelf and give its source in the registry."""
        info = f"{package}-1.0.dist-info"
        about = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
        }
        content = zipped({**members, **about})
        (self.wheels / f"{package}-1.0-py3-none-any.whl").write_bytes(content)
        return {
            "type": "wheel",
            "package": package,
            "version": "1.0",
            "sha256": hashlib.sha256(content).hexdigest(),
            "wheel_bytes": len(content),
            "files": pins,
            "licence": "MIT",
        }

    def register(self, *sources):
        toy = {"name": "toy", "kind": "teacher", "description": "a toy", "sources": sources}
        self.registry.write_text(json.dumps([toy]))

    def toy(self):
        """Two sources: a graph in a zip within a wheel, and a table in another wheel."""
        outer = {"one/graph.zip": zipped({"job/model.onnx": GRAPH})}
        graph = pin("one/graph.zip!job/model.onnx", "net/model.onnx", GRAPH)
        one = self.wheel("one", outer, [graph])
        two = self.wheel("two", {"two/c.csv": CLASSES}, [pin("two/c.csv", "classes.csv", CLASSES)])
        self.register(one, two)
        return one, two

    def sell_out(self):
        for wheel in self.wheels.iterdir():
            wheel.unlink()

    def left(self):
        """What lies in the cache beside ready assets, and may not once a pull has ended."""
        kept = [*self.cache.glob("tmp/*"), *self.cache.glob("downloads/*")]
        return sorted(file.relative_to(self.cache).parts[0] for file in kept)


def open_shop(root, monkeypatch):
    """A shop under ``root`` that pip and tinyalm use, and nothing else."""
    shop = Shop(root)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop.wheels))
    monkeypatch.setenv("TINYALM_CACHE", str(shop.cache))
    monkeypatch.setattr(registry, "REGISTRY", shop.registry)
    return shop


def failed_pull():
    """The one line that a pull of the toy fails with."""
    with pytest.raises(FetchError) as caught:
        pull("toy")
    assert "\n" not in str(caught.value)
    return str(caught.value)
