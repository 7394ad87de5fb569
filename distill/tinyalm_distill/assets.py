"""The cache: where assets lie, and whether they are whole."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from tinyalm.cache import cache_dir
from tinyalm.errors import FetchError
from tinyalm_distill.registry import Asset, FilePin, asset

State = Literal["ready", "damaged", "missing"]


def folder_of(wanted: Asset) -> Path:
    """The folder of ``wanted`` in the cache, whether it is there or not.

    Raises:
        FetchError: there is no place for a cache.
    """
    return cache_dir() / "assets" / wanted.name


def state_of(wanted: Asset) -> State:
    """Tell whether the cache holds every file of ``wanted`` with the right size and hash.

    Raises:
        FetchError: there is no place for a cache.
    """
    folder = folder_of(wanted)
    if has_files(folder, wanted.files):
        return "ready"
    return "damaged" if folder.exists() else "missing"


def require(name: str) -> Path:
    """Folder of the asset ``name``, verified; never uses the network.

    Raises:
        FetchError: unknown, not in the cache, or damaged; the message says how to fetch it.
    """
    wanted = asset(name)
    state = state_of(wanted)
    if state != "ready":
        what = "is not in the cache" if state == "missing" else "is damaged"
        raise FetchError(f"{name} {what} ({folder_of(wanted)}); run 'tinyalm distill pull {name}'")
    return folder_of(wanted)


def has_files(folder: Path, pins: Iterable[FilePin]) -> bool:
    """Tell whether ``folder`` holds every one of ``pins``, whole."""
    return all(is_whole(folder / pin.path, pin.bytes, pin.sha256) for pin in pins)


def is_whole(file: Path, size: int, digest: str) -> bool:
    """Tell whether ``file`` has this size and SHA-256; one that cannot be read has not."""
    try:
        return file.stat().st_size == size and sha256(file) == digest
    except OSError:
        return False


def sha256(file: Path) -> str:
    """SHA-256 of a file's content in hex.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
