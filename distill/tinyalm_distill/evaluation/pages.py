"""Results as text: lines for a terminal, tables for a page."""

from collections.abc import Sequence

from tinyalm.cli.layout import aligned
from tinyalm_distill.evaluation.results import Result


def lines(result: Result) -> list[str]:
    """A result for a terminal."""
    beside = f" against {result.against}" if result.against else ""
    header = ["", result.model, *([result.against, "retention"] if result.against else [])]
    rows = [header]
    for name, figure in result.figures.items():
        row = [name, str(figure)]
        if result.against:
            row += [str(figure.against or ""), str(figure.retention or "")]
        rows.append(row)
    facts = [f"{name}: {_short(value)}" for name, value in result.facts.items() if _short(value)]
    return [
        f"{result.measure}: {result.clips} clips{beside}",
        aligned(rows, indent="  "),
        *(f"  {fact}" for fact in facts),
        *(f"  note: {note}" for note in result.notes),
        *(f"  skipped {reason}" for reason in result.skipped),
    ]


def table(results: Sequence[Result]) -> list[str]:
    """Results of one measure as a table in Markdown: a row for each model, a column a figure."""
    names = list(dict.fromkeys(name for result in results for name in result.figures))
    head = [f"| model | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    rows = [
        f"| {result.model} | {' | '.join(str(result.figures.get(n, '')) for n in names)} |"
        for result in results
    ]
    notes = dict.fromkeys(f"- {r.model}: {note}" for r in results for note in r.notes)
    return [*head, *rows, "", *notes]


def _short(value: object) -> str:
    """A fact that fits a line; the empty text for one that does not."""
    if isinstance(value, list | tuple):
        text = ", ".join(map(str, value))
        return text if len(text) < 200 else ""
    return (
        f"{value:g}"
        if isinstance(value, float)
        else ("" if isinstance(value, dict) else str(value))
    )
