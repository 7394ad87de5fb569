"""Rows of benchmarks/frontend.py as text, as a table for docs/, and as a picture."""

import statistics
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

OURS, NATIVE, PEER = "#4c78a8", "#e4572e", "#b8b8b8"


class Row(NamedTuple):
    """One contestant in one case.

    Attributes:
        case: rate, FFT size, hop, mel bands, and length of the clip.
        name: of the contestant.
        median_ms: milliseconds of the whole clip, median over the rounds.
        spread_ms: what the middle half of the rounds spans.
        native_speedup: how many times faster native was, median over the rounds; None without it.
    """

    case: str
    name: str
    median_ms: float
    spread_ms: float
    native_speedup: float | None


def summarised(case: str, times: dict[str, list[float]]) -> list[Row]:
    """Rows of one case.

    Args:
        case: its name.
        times: milliseconds in every round by contestant, the rounds in the same order for all.
    """
    rows = []
    for name, measured in times.items():
        lower, median, upper = statistics.quantiles(measured, n=4)
        speedup = None
        if "native" in times:
            pairs = zip(measured, times["native"], strict=True)
            speedup = statistics.median(mine / native for mine, native in pairs)
        rows.append(Row(case, name, median, upper - lower, speedup))
    return rows


def table(rows: list[Row]) -> str:
    """All cases one after the other, fastest first."""
    lines = []
    for case, group in groupby(rows, lambda row: row.case):
        lines.append(f"{case:<24}{'median ms':>11}{'spread ms':>11}{'native is faster':>18}")
        for row in sorted(group, key=lambda row: row.median_ms):
            speedup = _times(row.native_speedup)
            lines.append(
                f"  {row.name:<22}{row.median_ms:>11.3f}{row.spread_ms:>11.3f}{speedup:>18}"
            )
        lines.append("")
    return "\n".join(lines)


def markdown(rows: list[Row]) -> str:
    """One line a contestant and one column a case: median in ms, and how much faster native is."""
    cases = list(dict.fromkeys(row.case for row in rows))
    cells = {(row.case, row.name): row for row in rows}
    lines = [f"| | {' | '.join(cases)} |", "|---" * (len(cases) + 1) + "|"]
    for name in dict.fromkeys(row.name for row in rows):
        found = (_cell(cells.get((case, name))) for case in cases)
        lines.append(f"| {name} | {' | '.join(found)} |")
    return "\n".join(lines)


def draw(rows: list[Row], path: Path, caption: str) -> None:
    """A bar chart of the medians, one panel a case, fastest on top.

    Args:
        rows: of any number of cases.
        path: of the PNG.
        caption: under the picture.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(case, list(group)) for case, group in groupby(rows, lambda row: row.case)]
    lines = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        lines, 2, figsize=(13, 3.4 * lines + 0.6), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for (case, group), axis in zip(panels, axes.flat, strict=False):
        _panel(axis, case, sorted(group, key=lambda row: -row.median_ms))
    legend = "red: the native kernel; blue: tinyalm's other executions; grey: others' front ends"
    figure.supxlabel(f"{legend}\n{textwrap.fill(caption, 170)}", fontsize=8, color="#555555")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(axis: Any, case: str, rows: list[Row]) -> None:  # noqa: ANN401 - matplotlib's Axes
    bars = axis.barh(
        [row.name for row in rows],
        [row.median_ms for row in rows],
        xerr=[row.spread_ms / 2 for row in rows],
        color=[_colour(row.name) for row in rows],
        error_kw={"elinewidth": 0.8, "ecolor": "#444444"},
    )
    labels = [f"{row.median_ms:.2f} ms   {_times(row.native_speedup)}" for row in rows]
    axis.bar_label(bars, labels, padding=6, fontsize=8)
    axis.set_title(f"{case}: ms, and how much faster native is", fontsize=10, loc="left")
    axis.set_xlim(0, 1.3 * max(row.median_ms + row.spread_ms / 2 for row in rows))
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _times(speedup: float | None) -> str:
    return "" if speedup is None else f"{speedup:.1f}x"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    speedup = f" ({_times(row.native_speedup)})" if row.native_speedup is not None else ""
    return f"{row.median_ms:.2f}{speedup}"


def _colour(name: str) -> str:
    if name.startswith("native"):
        return NATIVE
    return OURS if name in ("reference", "torch", "graph") else PEER
