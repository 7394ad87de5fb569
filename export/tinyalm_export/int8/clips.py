"""Recordings of a manifest as windows: what an int8 export is calibrated and measured on."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError, DataError, ExportError
from tinyalm.windows import WindowRule
from tinyalm_export.checkpoint_input import audible

MOST = 1000  # clips of a manifest that are read, evenly spaced


@dataclass(frozen=True)
class Clip:
    """What is heard of one recording: its windows, each (samples,) float32, and its labels."""

    windows: list[NDArray[np.float32]]
    labels: tuple[str, ...] = ()


def read_clips(manifest: Path, rule: WindowRule, sample_rate: int) -> list[Clip]:
    """Read the recordings that a CSV names in its column ``file``, relative to it (docs/data.md).

    Args:
        manifest: may also have the columns ``start_s``, ``end_s`` and ``label``, several of which
            are separated by ``|``.
        rule: how recordings are cut.
        sample_rate: Hz.

    Returns:
        The clips that can be used, in order; of many, as many evenly spaced ones.

    Raises:
        DataError: no manifest, or a row that makes no sense.
        ExportError: none of its recordings can be used; the message gives a reason.
    """
    rows = _rows(manifest)
    chosen = np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int)
    clips, reason = [], "all are silent"
    for number in chosen:
        row = rows[number]
        try:
            start, end = (_seconds(row.get(key)) for key in ("start_s", "end_s"))
            file = manifest.parent / row["file"]
            sound = read(file, sample_rate, start_s=start or 0.0, end_s=end)
        except ValueError:
            raise DataError(
                f"{manifest}: row {number + 1}: start_s and end_s are seconds, or left empty"
            ) from None
        except AudioError as error:
            reason = str(error)
            continue
        windows = audible(window for _, _, window in rule.cut([sound], sample_rate))
        if windows:
            names = (name.strip() for name in (row.get("label") or "").split("|"))
            clips.append(Clip(windows, tuple(name for name in names if name)))
    if not clips:
        raise ExportError(
            f"{manifest}: none of its {len(rows)} recordings can be used ({reason}); "
            "name some that can be heard"
        )
    return clips


def _rows(manifest: Path) -> list[dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{manifest}: cannot be read as a CSV manifest ({error})") from None
    if not rows:
        raise DataError(f"{manifest}: holds no rows; --calibrate needs recordings")
    if not all(row.get("file") for row in rows):
        raise DataError(f"{manifest}: a row has no 'file'; the columns are file, label, …")
    return rows


def _seconds(cell: str | None) -> float | None:
    return float(cell) if cell else None
