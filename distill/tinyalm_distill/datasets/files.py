"""What the readers of data sets share: their tables, and recordings wherever they lie."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from tinyalm.audio import SUFFIXES
from tinyalm.errors import DataError

# Licences in the words of the SPDX list; LicenseRef- names what that list does not have.
YOUTUBE = "LicenseRef-YouTube"  # recordings of videos: their uploaders', who stated nothing more
_CREATIVE_COMMONS = "creativecommons.org/"


def words(name: str) -> str:
    """A label's name as words."""
    return name.replace("_", " ")


def table(
    path: Path,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    *,
    comments: bool = False,
    encoding: str = "utf-8",
) -> Iterator[dict[str, str]]:
    """Rows of a table.

    Args:
        path: a CSV file, or one of another delimiter.
        columns: their names; without them, the first line has them.
        delimiter: between values.
        comments: whether lines that begin with ``#`` are none, and blanks follow commas.
        encoding: of the file.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        with path.open(newline="", encoding=encoding) as file:
            lines = (line for line in file if not (comments and line.startswith("#")))
            yield from csv.DictReader(
                lines, columns, delimiter=delimiter, skipinitialspace=comments
            )
    except FileNotFoundError:
        missing(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from None


def json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        missing(path)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from None


def missing(path: Path) -> NoReturn:
    """Say that the data set is not laid out as published: ``path`` is missing."""
    raise DataError(f"{path} is missing; the folder is not as published") from None


def first_folder(root: Path, *names: str) -> Path:
    """The first of these folders below ``root`` that is there; the first of all, if none is."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])


def by_stem(root: Path) -> dict[str, Path]:
    """All recordings below ``root`` by their names without suffix."""
    return {f.stem: f for f in sorted(root.rglob("*")) if f.suffix.lower() in SUFFIXES}


def segment(found: dict[str, Path], root: Path, video: str, start_s: float) -> Path:
    """The recording of a segment of a video, under any of the names that downloaders give it."""
    start = round(start_s)
    names = (
        video,
        f"Y{video}",
        f"{video}_{start}",
        f"{video}_{start:06d}",
        f"{video}_{start * 1000}",
    )
    return next((found[name] for name in names if name in found), root / f"{video}.wav")


def spdx(url: str) -> str:
    """A Creative Commons licence's address as an SPDX name; any other text as it is."""
    _, found, path = url.strip().lower().partition(_CREATIVE_COMMONS)
    kind, *rest = path.strip("/").split("/")
    if not found or not rest:
        return url.strip()
    if kind == "publicdomain":
        return "CC0-1.0" if rest[0] == "zero" else "LicenseRef-public-domain"
    if rest[0] == "sampling+":
        return "-".join(("LicenseRef-CC-Sampling-Plus", *rest[1:2]))
    return "-".join(("CC", rest[0].upper(), *rest[1:2]))
