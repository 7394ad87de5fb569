"""Manifests: which recordings there are and what is known of them (docs/data.md)."""

import csv
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tinyalm.audio import SUFFIXES
from tinyalm.errors import DataError
from tinyalm_distill.assets import require
from tinyalm_distill.containers import TAR, unpacked_parquet, unpacked_tar
from tinyalm_distill.registry import asset

ASSET = "asset:"  # before the name of sounds that `tinyalm distill pull` fetches
FORMATS = (".csv", ".jsonl", ".parquet")
_COLUMNS = "file, start_s, end_s, label, caption, split, source, licence"


class Clip(Struct, frozen=True, kw_only=True):
    """One recording, or a part of one.

    Attributes:
        file: where it is.
        start_s: where the clip starts in the file, seconds.
        end_s: where it ends; None for the file's end.
        labels: what is heard in it, each a short phrase.
        captions: sentences that describe it.
        split: such as ``train`` or ``dev``; empty where the manifest says nothing.
        source: the collection it comes from.
        licence: of the recording.
    """

    file: Path
    start_s: float = 0.0
    end_s: float | None = None
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    split: str = ""
    source: str = ""
    licence: str = ""


def read_clips(name: str, split: str | None = None) -> list[Clip]:
    """The clips of a manifest, a folder, or sounds that were pulled.

    Args:
        name: a path, or ``asset:NAME`` for what `tinyalm distill pull NAME` has fetched.
        split: if given, only clips of this split.

    Raises:
        DataError: there are none, or the manifest cannot be read.
        FetchError: the asset is not in the cache, or has no manifest.
    """
    if name.startswith(ASSET):
        wanted = asset(name.removeprefix(ASSET))
        if wanted.manifest is None:
            raise DataError(f"{name}: a {wanted.kind}, not sounds; name an asset of clips")
        clips = read_manifest(Path(__file__).parent / wanted.manifest, root=require(wanted.name))
    else:
        clips = read_manifest(Path(name))
    chosen = [clip for clip in clips if split is None or clip.split == split]
    if not chosen:
        splits = ", ".join(sorted({clip.split for clip in clips if clip.split})) or "none"
        raise DataError(f"{name}: no clips of split {split!r} (it has {splits}); name one of them")
    return chosen


def read_manifest(path: Path, *, root: Path | None = None) -> list[Clip]:
    """Read a manifest, or list the recordings of a folder.

    Args:
        path: a CSV, JSON Lines or Parquet file with a column ``file``, relative to the manifest,
            and optionally the others of `Clip`; several labels or captions are separated by ``|``.
            Other columns are ignored. A Parquet file may hold the audio itself, in a column
            ``audio``. Or a WebDataset shard, ``.tar``. Or a folder, whose audio files and then
            such shards count, in sorted order.
        root: what ``file`` is relative to, if not to the manifest.

    Returns:
        The clips in the manifest's order. Whether their files can be read is not looked at.

    Raises:
        DataError: nothing there, no manifest, no column ``file``, no rows, or a value that makes
            no sense; the message names the row.
    """
    if path.is_dir():
        files = sorted(path.rglob("*"))
        found = [file for file in files if file.suffix.lower() in SUFFIXES]
        shards = [file for file in files if file.suffix.lower() == TAR]
        if not found and not shards:
            raise DataError(f"{path}: no audio files in this folder; it needs some, or .tar shards")
        clips = [Clip(file=file, source=path.name) for file in found]
        return clips + [clip for shard in shards for clip in read_manifest(shard)]
    if not path.is_file():
        raise DataError(f"{path}: no such manifest or folder; an asset is named {ASSET}NAME")
    if path.suffix.lower() not in (*FORMATS, TAR):
        known = ", ".join((*FORMATS, TAR))
        raise DataError(f"{path}: not a manifest; it must be one of {known}")
    rows, folder = _rows(path)
    clips = [
        _clip(row, path, folder or root or path.parent, number)
        for number, row in enumerate(rows, start=1)
    ]
    if not clips:
        raise DataError(f"{path}: holds no rows; it needs one a clip, with the columns {_COLUMNS}")
    return clips


def _rows(path: Path) -> tuple[list[dict[str, Any]], Path | None]:
    """The rows of a manifest, and the folder of their files where it is not the manifest's."""
    folder = None
    try:
        match path.suffix.lower():
            case ".csv":
                # utf-8-sig: spreadsheets put a byte-order mark in front.
                with path.open(newline="", encoding="utf-8-sig") as file:
                    rows: list[dict[str, Any]] = list(csv.DictReader(file))
            case ".jsonl":
                lines = path.read_bytes().splitlines()
                rows = [msgspec.json.decode(x, type=dict[str, Any]) for x in lines if x.strip()]
            case ".tar":
                rows, folder = unpacked_tar(path)
            case _:
                import pyarrow.parquet as parquet  # slow to import, and seldom wanted

                unpacked = unpacked_parquet(path)
                rows, folder = unpacked or (parquet.read_table(path).to_pylist(), None)
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's and msgspec's are ValueErrors
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path}: cannot be read as a manifest ({reason}); it may be cut off or of another "
            "format: write it again"
        ) from None
    for number, row in enumerate(rows, start=1):
        if not row.get("file"):
            named = ", ".join(str(k) for k in row if k) or "nothing"
            raise DataError(
                f"{path}: row {number} has no 'file' (it has {named}); the columns are {_COLUMNS}"
            )
    return rows, folder


def _clip(row: dict[str, Any], path: Path, root: Path, number: int) -> Clip:
    start, end = (_seconds(row, key, path, number) for key in ("start_s", "end_s"))
    if end is not None and end <= (start or 0.0):
        raise DataError(f"{path}: row {number}: end_s {end:g} is not after start_s {start or 0:g}")
    return Clip(
        file=root / str(row["file"]),
        start_s=start or 0.0,
        end_s=end,
        labels=_several(row.get("label")),
        captions=_several(row.get("caption")),
        split=str(row.get("split") or ""),
        source=str(row.get("source") or path.parent.name),
        licence=str(row.get("licence") or ""),
    )


def _seconds(row: dict[str, Any], key: str, path: Path, number: int) -> float | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = float("nan")
    if not 0 <= seconds < float("inf"):
        raise DataError(f"{path}: row {number}: {key} is {value!r}; it must be seconds from 0 up")
    return seconds


def _several(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value or "").split("|")
    return tuple(text for part in parts if (text := str(part).strip()))
