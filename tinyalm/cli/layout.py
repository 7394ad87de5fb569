"""How the commands lay out what they print for people."""

import csv
import io
from collections.abc import Sequence


def clock(seconds: float) -> str:
    """Seconds as minutes, seconds and tenths: 83.25 is ``1:23.2``."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def size(count: int) -> str:
    """Bytes in the largest unit that leaves a number above 1, decimal: 1500 is ``1.5 kB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Rows of cells as lines, every column but the last as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(indent + line for line in lines)


def comma_separated(cells: Sequence[str]) -> str:
    """A row of CSV without its end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def track_line(start: float, end: float, label: str) -> str:
    """A line of an Audacity label track: start and end in seconds, label, tabs between them."""
    return f"{start:.6f}\t{end:.6f}\t{' '.join(label.split())}"
