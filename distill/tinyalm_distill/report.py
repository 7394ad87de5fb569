"""One page that puts a teacher and its students side by side, with pictures."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
from msgspec import Struct

from tinyalm.bundle import read_bundle
from tinyalm_distill.evaluation.bootstrap import Interval
from tinyalm_distill.evaluation.calibration import calibration
from tinyalm_distill.evaluation.classification import zero_shot
from tinyalm_distill.evaluation.embedders import BundleEmbedder, Embedder, TeacherEmbedder
from tinyalm_distill.evaluation.order import order
from tinyalm_distill.evaluation.pages import table
from tinyalm_distill.evaluation.probe import probe
from tinyalm_distill.evaluation.results import Measurement, Result, result
from tinyalm_distill.evaluation.retrieval import retrieval
from tinyalm_distill.manifest import Clip
from tinyalm_distill.teachers import AudioTextTeacher

_ROUNDS = 7  # timings of each model, in turn with the others
_CLIP_S = 10
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
        parameters: of both towers.
        bytes: on disk.
        ms: per 10 s clip, waveform to embedding: median of all rounds.
        ms_spread: largest minus smallest.
        zero_shot: on the manifest's labels.
        comparison: with the teacher; None for the teacher itself.
        results: of the further measures that were asked for.
    """

    name: str
    parameters: int
    bytes: int
    ms: float
    ms_spread: float
    zero_shot: Result
    comparison: Comparison | None
    results: list[Result]


def measure(
    teacher: AudioTextTeacher,
    bundles: Sequence[Path],
    clips: Sequence[Clip],
    measures: Sequence[str] = (),
) -> list[Row]:
    """Measure teacher and bundles on the same clips, timing them in turn in one process.

    Args:
        teacher: the first row.
        bundles: the others.
        clips: with labels.
        measures: names in `MEASURES`, beside zero-shot classification.

    Raises:
        DataError: no clip has a label, or none can be used.
        BundleError: a bundle is damaged.
    """
    embedders: list[Embedder] = [TeacherEmbedder(teacher), *map(BundleEmbedder, bundles)]
    timings = _time(embedders)
    sizes = [_teacher_size(teacher), *map(_bundle_size, bundles)]
    asked = [zero_shot, *(MEASURES[name] for name in measures)]
    rows: list[Row] = []
    first: list[Measurement | None] = [None] * len(asked)
    for embedder, (parameters, size), times in zip(embedders, sizes, timings, strict=True):
        measured = [one(embedder, clips) for one in asked]
        results = [result(*both) for both in zip(measured, first, strict=True)]
        rows.append(
            Row(
                name=embedder.name,
                parameters=parameters,
                bytes=size,
                ms=median(times),
                ms_spread=max(times) - min(times),
                zero_shot=results[0],
                comparison=_comparison(results[0]) if rows else None,
                results=results[1:],
            )
        )
        first = first if len(rows) > 1 else [*measured]
    return rows


def markdown(title: str, rows: Sequence[Row], pictures: Sequence[tuple[str, Path]]) -> str:
    """The page: a table, what its figures mean, and the pictures (caption, file beside it)."""
    first, labels = rows[0], rows[0].zero_shot.facts["labels"]
    lines = [
        f"# {title}",
        "",
        "| model | parameters | bytes | ms per 10 s | cosine to teacher | top-1 | retention |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        against = row.comparison
        lines.append(
            f"| {row.name} | {row.parameters:,} | {row.bytes:,} "
            f"| {row.ms:.1f} ± {row.ms_spread / 2:.1f} "
            f"| {against.cosine or '' if against else 1} | {row.zero_shot.figures['top-1']} "
            f"| {against.retention if against else 1} |"
        )
    lines += [
        "",
        f"Zero-shot over {first.zero_shot.clips} clips and {labels} labels.",
        "In brackets: 95 % intervals of the bootstrap over clips. Retention is top-1 over the",
        "teacher's. Times: one thread, waveform to embedding, median of",
        f"{_ROUNDS} rounds in turn, with half the spread.",
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


def _comparison(compared: Result) -> Comparison:
    cosine, kept = compared.figures.get("cosine"), compared.figures["top-1"].retention
    missing = Interval(float("nan"), float("nan"), float("nan"))
    return Comparison(kept or missing, cosine.interval if cosine else None)


def _time(embedders: Sequence[Embedder]) -> list[list[float]]:
    """Milliseconds of every model on 10 s of noise, in turn, after a first warm call."""
    noise = np.random.default_rng(0).normal(0, 0.1, _CLIP_S * 48000).astype(np.float32)
    times: list[list[float]] = [[] for _ in embedders]
    for round_number in range(_ROUNDS + 1):
        for embedder, measured in zip(embedders, times, strict=True):
            waveform = noise[: _CLIP_S * embedder.sample_rate]
            start = time.perf_counter()
            embedder.embed_waveform(waveform)
            if round_number:
                measured.append(1e3 * (time.perf_counter() - start))
    return times


def _bundle_size(path: Path) -> tuple[int, int]:
    manifest = read_bundle(path)
    parameters = manifest.audio.parameters
    if manifest.text is not None:
        parameters += manifest.text.graph.parameters
    return parameters, sum(info.bytes for info in manifest.files.values())


def _teacher_size(teacher: AudioTextTeacher) -> tuple[int, int]:
    return teacher.parameters, teacher.bytes
