"""The suite's page: figures of all data sets in Markdown, JSON and a picture."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tinyalm_distill.evaluation.pages import table
from tinyalm_distill.evaluation.suite.run import Entry
from tinyalm_distill.pictures import draw_figures

# The figure that each measure is known by.
_HEADLINES = {
    "zero-shot": ("top-1", "mAP"),
    "probe": ("top-1",),
    "retrieval": ("text-to-audio R@10",),
}


def write_suite(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write `suite.md`, `suite.json` (the entries) and `suite.png`; gives the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(list(entries)), indent=2)
    (folder / "suite.json").write_bytes(encoded + b"\n")
    lines = ["# Data sets", ""]
    bars = {}
    for entry in entries:
        if entry.skipped:
            lines += [f"- {entry.dataset}: skipped: {entry.skipped}"]
            continue
        lines += ["", f"## {entry.dataset}", "", f"{entry.source}. "]
        lines[-1] += f"{entry.on_disk} of {entry.published} published clips are on disk."
        for result in entry.results:
            lines += ["", f"{result.measure}, {result.clips} clips:", "", *table([result])]
            for name in _HEADLINES[result.measure]:
                bars[f"{entry.dataset}, {result.measure} {name}"] = result.figures[name]
    if bars:
        draw_figures(bars, folder / "suite.png")
        lines += ["", "![Figures by data set, with intervals](suite.png)"]
    page = folder / "suite.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page
