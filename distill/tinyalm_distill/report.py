"""One page that puts a teacher and its students side by side, with pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tinyalm.benchmark import Row as Timing
from tinyalm_distill.evaluation.bootstrap import Interval
from tinyalm_distill.evaluation.calibration import calibration
from tinyalm_distill.evaluation.classification import zero_shot
from tinyalm_distill.evaluation.costs import Size, bundle_size, teacher_size, time_all
from tinyalm_distill.evaluation.embedders import BundleEmbedder, Embedder, TeacherEmbedder
from tinyalm_distill.evaluation.order import order
from tinyalm_distill.evaluation.pages import table
from tinyalm_distill.evaluation.probe import probe
from tinyalm_distill.evaluation.results import Measurement, Result, result
from tinyalm_distill.evaluation.retrieval import retrieval
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar
from tinyalm_distill.teachers import open_teacher

MEASURES: dict[str, Callable[[Embedder, Sequence[Clip]], Measurement]] = {
    "retrieval": retrieval,
    "order": order,
    "calibration": calibration,
    "probe": probe,
}


class Comparison(Struct, frozen=True):
    """A student beside its teacher: share of its top-1, and mean cosine of their embeddings."""

    retention: Interval
    cosine: Interval | None  # None where the spaces have different sizes


class Row(Struct, frozen=True, kw_only=True):
    """One model's line.

    Attributes:
        name: of the teacher or bundle.
        size: what it takes whatever it hears.
        timings: on clips of several lengths, one thread.
        zero_shot: on the manifest's labels.
        comparison: with the teacher; None for the teacher itself.
        results: of the further measures that were asked for.
    """

    name: str
    size: Size
    timings: list[Timing]
    zero_shot: Result
    comparison: Comparison | None
    results: list[Result]


def measure(
    name: str,
    bundles: Sequence[Path],
    clips: Sequence[Clip],
    measures: Sequence[str] = (),
    *,
    seconds: Sequence[float] = (1, 5, 10),
    runs: int = 21,
) -> list[Row]:
    """Measure teacher and bundles on the same clips, and time them in turn.

    Args:
        name: the teacher's, as `open_teacher` knows it; the first row.
        bundles: the others.
        clips: with labels.
        measures: names in `MEASURES`, beside zero-shot classification.
        seconds: lengths of the clips of noise that they are timed on.
        runs: timings of each.

    Raises:
        DataError: no clip has a label, or none can be used.
        BundleError: a bundle is damaged.
        BenchmarkError: one cannot be timed.
        TinyalmError: the teacher cannot be opened.
    """
    teacher = open_teacher(name, threads=1)
    embedders: list[Embedder] = [TeacherEmbedder(teacher), *map(BundleEmbedder, bundles)]
    sizes = [teacher_size(teacher), *map(bundle_size, bundles)]
    timings = _time(name, bundles, seconds, runs)
    asked = [zero_shot, *(MEASURES[name] for name in measures)]
    rows: list[Row] = []
    first: list[Measurement | None] = [None] * len(asked)
    for embedder, size, timed in zip(embedders, sizes, timings, strict=True):
        measured = [one(embedder, clips) for one in asked]
        results = [result(*both) for both in zip(measured, first, strict=True)]
        rows.append(
            Row(
                name=embedder.name,
                size=size,
                timings=timed,
                zero_shot=results[0],
                comparison=_comparison(results[0]) if rows else None,
                results=results[1:],
            )
        )
        first = first if len(rows) > 1 else [*measured]
    return rows


def markdown(title: str, rows: Sequence[Row], pictures: Sequence[tuple[str, Path]]) -> str:
    """The page: tables, what their figures mean, and the pictures (caption, file beside it)."""
    first, labels = rows[0], rows[0].zero_shot.facts["labels"]
    lines = [
        f"# {title}",
        "",
        "| model | audio | parameters | MMAC/s | bytes | cosine to teacher | top-1 | retention |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        against, size = row.comparison, row.size
        macs = f"{size.macs / size.window_s / 1e6:.1f}" if size.macs and size.window_s else ""
        lines.append(
            f"| {row.name} | {size.precision} | {size.parameters:,} | {macs} | {size.bytes:,} "
            f"| {against.cosine or '' if against else 1} | {row.zero_shot.figures['top-1']} "
            f"| {against.retention if against else 1} |"
        )
    lines += [
        "",
        f"Zero-shot over {first.zero_shot.clips} clips and {labels} labels.",
        "In brackets: 95 % intervals of the bootstrap over clips. Retention is top-1 over the",
        "teacher's. Parameters are of both towers; multiply-accumulates (MAC) of the audio side",
        "for a second of sound, windows side by side, without the front end.",
        "",
        *_times(rows),
    ]
    skipped = [reason for row in rows for reason in row.zero_shot.skipped]
    lines += ["", *(f"- skipped: {reason}" for reason in dict.fromkeys(skipped))]
    for number, further in enumerate(first.results):
        results = [row.results[number] for row in rows]
        lines += ["", f"## {further.measure}, {further.clips} clips", "", *table(results)]
    for caption, path in pictures:
        lines += ["", f"![{caption}]({path.name})", "", caption]
    return "\n".join(lines) + "\n"


def write(folder: Path, title: str, rows: Sequence[Row], pictures: list[tuple[str, Path]]) -> Path:
    """Write `report.md` and `report.json` (the rows) into ``folder``; gives the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(list(rows)), indent=2)
    (folder / "report.json").write_bytes(encoded + b"\n")
    page = folder / "report.md"
    page.write_text(markdown(title, rows, pictures), encoding="utf-8")
    return page


def _times(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| model | clip, s | p50, ms | p95, ms | RTF | speedup | cold start, s | peak RSS, MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines += [
            f"| {row.name} | {one.clip_s:g} | {one.p50_ms:.1f} | {one.p95_ms:.1f} | {one.rtf:.5f} "
            f"| {one.speedup:.1f} ({one.speedup_low:.1f}-{one.speedup_high:.1f}) "
            f"| {one.cold_start_s:.2f} | {one.peak_rss_mb:.0f} |"
            for one in row.timings
        ]
    runs = rows[0].timings[0].runs if rows[0].timings else 0
    return [
        *lines,
        "",
        f"Times of {runs} runs on one thread, each model in a process of its own, in turn: the",
        "teacher from waveform to embedding, bundles to scores. RTF: p50 over the clip. The",
        "speedup over the teacher is the median of the ratios of runs side by side, with their 5th",
        "to 95th percentile. Cold start: from no process to the first answer.",
    ]


def _time(
    teacher: str, bundles: Sequence[Path], seconds: Sequence[float], runs: int
) -> list[list[Timing]]:
    """Every model's timings, the teacher's first."""
    by_length = []
    for clip_s in seconds:
        with bar(f"timing clips of {clip_s:g} s") as progress:
            by_length.append(
                time_all(teacher, bundles, clip_s=clip_s, runs=runs, progress=progress)
            )
    return [list(of_one) for of_one in zip(*by_length, strict=True)]


def _comparison(compared: Result) -> Comparison:
    cosine, kept = compared.figures.get("cosine"), compared.figures["top-1"].retention
    missing = Interval(float("nan"), float("nan"), float("nan"))
    return Comparison(kept or missing, cosine.interval if cosine else None)
