"""Manifests, written (docs/data.md)."""

import contextlib
import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tinyalm.errors import DataError
from tinyalm_distill.manifest import FORMATS, Clip

COLUMNS = ("file", "start_s", "end_s", "label", "caption", "split", "source", "licence")


def check_manifest_name(path: Path) -> None:
    """Make sure that a manifest can be written at ``path``.

    Raises:
        DataError: its suffix is none of a manifest's, or it is a folder.
    """
    if path.suffix.lower() not in FORMATS or path.is_dir():
        raise DataError(f"{path}: a manifest ends in one of {', '.join(FORMATS)}")


def write_manifest(path: Path, clips: Sequence[Clip]) -> None:
    """Write clips as a manifest, complete or not at all; `read_manifest` gives the same clips.

    Files below the manifest's folder are named relative to it, others with their whole path. Where
    several labels or captions share one cell, a ``|`` inside one of them becomes ``/``.

    Args:
        path: CSV, JSON Lines or Parquet, by its suffix; what is there is replaced.
        clips: the clips, in order.

    Raises:
        DataError: another suffix, or ``path`` cannot be written.
    """
    check_manifest_name(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [_row(clip, path.parent.absolute()) for clip in clips]
        match path.suffix.lower():
            case ".csv":
                _write_csv(fresh, rows)
            case ".jsonl":
                fresh.write_bytes(msgspec.json.Encoder().encode_lines(rows))
            case _:
                _write_parquet(fresh, rows)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None


def _row(clip: Clip, folder: Path) -> dict[str, Any]:
    file = clip.file.absolute()
    named = file.relative_to(folder) if file.is_relative_to(folder) else file
    values = (
        str(named),
        clip.start_s or None,
        clip.end_s,
        list(clip.labels),
        list(clip.captions),
        clip.split,
        clip.source,
        clip.licence,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows([_cell(value) for value in row.values()] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return "|".join(text.replace("|", "/") for text in value)
    return "" if value is None else value


def _write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pyarrow as pa  # slow to import, and seldom wanted
    import pyarrow.parquet as parquet

    texts, number = pa.list_(pa.string()), pa.float64()
    kinds = {"start_s": number, "end_s": number, "label": texts, "caption": texts}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
