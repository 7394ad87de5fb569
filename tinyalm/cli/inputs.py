"""Recordings that are named on the command line."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tinyalm.audio import SUFFIXES
from tinyalm.errors import AudioError


def recordings(files: Iterable[Path]) -> Iterator[Path]:
    """The files, and in the place of each folder the audio files in it, sorted."""
    for file in files:
        found = sorted(f for f in file.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
        yield from found or [file]


def checked(file: Path) -> Path:
    """The file, which is a folder only where `recordings` found nothing in it.

    Raises:
        AudioError: it is one.
    """
    if file.is_dir():
        raise AudioError(
            f"{file}: no audio file in this folder; looked for {', '.join(sorted(SUFFIXES))}"
        )
    return file
