"""Evaluation on the data sets that are on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tinyalm.errors import DataError
from tinyalm_distill.evaluation.classification import labels_of, zero_shot
from tinyalm_distill.evaluation.embedders import Embedder
from tinyalm_distill.evaluation.results import Measurement, Result, result
from tinyalm_distill.evaluation.retrieval import retrieval
from tinyalm_distill.evaluation.suite.datasets import BENCHMARKS, Benchmark
from tinyalm_distill.manifest import Clip


class Entry(Struct, frozen=True, kw_only=True):
    """What came of one data set.

    Attributes:
        dataset: its name.
        source: who published it.
        skipped: why it was not evaluated; empty where it was.
        published: clips that it has, in all splits that were looked for.
        on_disk: those whose recordings are there.
        results: one for each measure.
    """

    dataset: str
    source: str
    skipped: str = ""
    published: int = 0
    on_disk: int = 0
    results: list[Result] = []


def run_suite(
    root: Path,
    embedder: Embedder,
    against: Embedder | None = None,
    *,
    names: Sequence[str] = (),
    probes: bool = False,
    own_prompts: bool = False,
) -> list[Entry]:
    """Evaluate on the data sets below ``root``: zero-shot or retrieval, as each is made for.

    Args:
        root: its folders are the data sets, as `DATASETS` names them.
        embedder: the model.
        against: another one, to compare with.
        names: of the data sets; none for all.
        probes: whether to make linear probes, too.
        own_prompts: whether to take the models' own prompts instead of the published ones.

    Raises:
        DataError: no such folder.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; --data-root holds a folder for each data set")
    chosen = [one for one in BENCHMARKS if not names or one.name in names]
    return [_entry(one, root, embedder, against, probes, own_prompts) for one in chosen]


def _entry(
    benchmark: Benchmark,
    root: Path,
    embedder: Embedder,
    against: Embedder | None,
    probes: bool,
    own_prompts: bool,
) -> Entry:
    dataset = benchmark.dataset
    folder = dataset.find(root)
    entry = Entry(dataset=dataset.name, source=dataset.source)
    if folder is None:
        reason = f"{root} has no folder {' or '.join(dataset.folders)}"
        return msgspec.structs.replace(entry, skipped=reason)
    try:
        published = dataset.clips(folder)
    except DataError as error:
        return msgspec.structs.replace(entry, skipped=str(error))
    if not benchmark.probed:
        published = [clip for clip in published if clip.split == benchmark.test]
    clips = [clip for clip in published if clip.file.is_file()]
    tested = [clip for clip in clips if benchmark.test in (None, clip.split)]
    if not tested:
        return msgspec.structs.replace(entry, skipped=f"{folder}: no recordings of the test set")
    measures = _measures(benchmark, published, clips, tested, probes, own_prompts)
    results = [
        result(measure(embedder), measure(against) if against else None) for measure in measures
    ]
    if benchmark.note:
        results = [msgspec.structs.replace(r, notes=[*r.notes, benchmark.note]) for r in results]
    return msgspec.structs.replace(
        entry, published=len(published), on_disk=len(clips), results=results
    )


def _measures(
    benchmark: Benchmark,
    published: Sequence[Clip],
    clips: Sequence[Clip],
    tested: Sequence[Clip],
    probes: bool,
    own_prompts: bool,
) -> list[Callable[[Embedder], Measurement]]:
    labels = list(benchmark.labels) or labels_of(published)
    if not labels:
        return [lambda embedder: retrieval(embedder, tested)]
    templates = [] if own_prompts else [benchmark.template]
    measures: list[Callable[[Embedder], Measurement]] = [
        lambda embedder: zero_shot(embedder, tested, templates=templates, labels=labels)
    ]
    trainable = benchmark.test is None or len(clips) > len(tested)
    if probes and trainable:
        from tinyalm_distill.evaluation.probe import probe  # torch takes a second

        measures.append(
            lambda embedder: probe(embedder, clips, test=benchmark.test, count=benchmark.count)
        )
    return measures
