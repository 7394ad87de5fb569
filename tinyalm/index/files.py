"""Files as an index knows them: by path, and by what is in them."""

import hashlib
import os
from pathlib import Path

from tinyalm.audio import SUFFIXES, name
from tinyalm.errors import AudioError
from tinyalm.index.store import Stamp


def absolute(path: str | os.PathLike[str]) -> str:
    """The path from the root, with ``/`` between its parts; links stay what they are."""
    return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - resolve() follows links


def key(path: str | os.PathLike[str]) -> str:
    """The `absolute` path, as an index holds it.

    Raises:
        AudioError: it is not UTF-8, which SQLite does not hold.
    """
    try:
        absolute(path).encode()
    except UnicodeEncodeError:
        raise AudioError(
            f"{name(path)}: its name is not UTF-8, which an index cannot hold; rename it"
        ) from None
    return absolute(path)


def stamp_of(file: Path) -> Stamp:
    """Size and time of ``file``.

    Raises:
        AudioError: it is not there, or a folder.
    """
    try:
        stamp = Stamp.of(file)
    except OSError as error:
        raise AudioError(f"{name(file)}: cannot be read ({error.strerror})") from None
    if file.is_dir():
        raise AudioError(f"{name(file)}: a folder; use 'tinyalm index sync' for it")
    return stamp


def sha256(file: Path) -> bytes:
    """Hash of the content of ``file``.

    Raises:
        AudioError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        raise AudioError(f"{name(file)}: cannot be read ({error.strerror})") from None


def audio_files(folder: Path, unread: list[OSError]) -> list[Path]:
    """The audio files in ``folder`` and below, sorted; errors of its folders to ``unread``."""
    return sorted(
        Path(root) / file
        for root, _, files in os.walk(folder, onerror=unread.append)
        for file in files
        if Path(file).suffix.lower() in SUFFIXES
    )
