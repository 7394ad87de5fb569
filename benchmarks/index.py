"""The index at 100,000 segments: how fast it grows and answers, and how often it is right.

    python benchmarks/index.py [--segments 100000] [--dim 384] [--encrypted] [--json]

Writes recordings of ten segments each, a transaction a recording, as a sync does once a recording
is embedded. The embeddings are drawn around 1 center for every 50 segments, and so are the queries.
Prints segments added a second (the graph included), milliseconds of a search (50 %, 95 %),
recall@10 against an exact search of the float32 embeddings and of the int8 ones that are stored,
and megabytes of the files and of memory that searching adds. Beside times of the clock stand those
of the processor, which say what an idle machine would do when this one is not.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.index.identity import Identity
from tinyalm.index.quantization import to_float, to_int8
from tinyalm.index.searching import moments
from tinyalm.index.store import Filter, Stamp, Store
from tinyalm.index.vectors import Vectors
from tinyalm.results import WindowEmbeddings, unit_length

PER_RECORDING, PER_CENTER, QUERIES, TOP_K = 10, 50, 500, 10
SPREAD = 0.6  # length of what is added to a center
Rows = NDArray[np.float32]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--encrypted", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows, queries = drawn(options.segments, options.dim)
    with tempfile.TemporaryDirectory() as folder:
        path, identity = (
            Path(folder) / "sounds.db",
            Identity("b", "0" * 64, options.dim, None, None),
        )
        key = bytes(32) if options.encrypted else None

        def opened() -> Store:
            return Store(path, identity, key)

        report = grow(opened(), rows) | sizes(path) | ask(opened, rows, queries)
    if options.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print(f"{key:<34} {value:,.4g}")


def drawn(count: int, dim: int) -> tuple[Rows, Rows]:
    """Embeddings and queries, (count, dim) and (QUERIES, dim) float32 of unit length."""
    draw = np.random.default_rng(0)
    centers = unit_length(draw.normal(size=(max(1, count // PER_CENTER), dim)).astype("f4"))

    def around(number: int) -> Rows:
        noise = draw.normal(0, SPREAD / dim**0.5, (number, dim)).astype("f4")
        return unit_length(centers[draw.integers(0, len(centers), number)] + noise)

    return around(count), around(QUERIES)


def grow(store: Store, rows: Rows) -> dict[str, float]:
    """Add all rows, as a sync would."""
    vectors = Vectors(store)
    clock, processor = time.perf_counter(), time.process_time()
    starts = np.arange(PER_RECORDING, dtype=float)
    for number, at in enumerate(range(0, len(rows), PER_RECORDING)):
        part = rows[at : at + PER_RECORDING]
        windows = WindowEmbeddings(starts[: len(part)], starts[: len(part)] + 1, part)
        with store.writing():
            digest = number.to_bytes(32, "big")
            store.put(f"/sounds/{number:06d}.wav", Stamp(320_044, number), digest, windows)
    written = time.perf_counter() - clock
    vectors.fold()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    vectors.close()
    store.close()
    return {
        "added/s": len(rows) / clock,
        "added/s of processor time": len(rows) / processor,
        "added/s, SQLite alone": len(rows) / written,
    }


def sizes(path: Path) -> dict[str, float]:
    """Megabytes of the files."""
    index, vectors = path.stat().st_size, Path(f"{path}-vectors").stat().st_size
    return {"index MB": index / 1e6, "vector file MB": vectors / 1e6}


def ask(opened: Callable[[], Store], rows: Rows, queries: Rows) -> dict[str, float]:
    """Search, and compare with exact searches."""
    before = resident_mb()
    store = opened()
    vectors = Vectors(store)
    start = time.perf_counter()
    moments(store, vectors, queries[0], TOP_K, Filter())
    first = time.perf_counter() - start
    clock, processor, found = [], [], []
    for query in queries:
        start, started = time.perf_counter(), time.process_time()
        hits = moments(store, vectors, query, TOP_K, Filter())
        clock.append(1e3 * (time.perf_counter() - start))
        processor.append(1e3 * (time.process_time() - started))
        found.append([int(Path(h.file).stem) * PER_RECORDING + round(h.start) for h in hits])
    memory = resident_mb() - before
    stored = to_float(to_int8(rows))
    report = {"first search ms": 1e3 * first}
    for name, times in (("search ms", clock), ("search ms of processor time", processor)):
        report |= {f"{name}, {p} %": float(np.percentile(times, p)) for p in (50, 95)}
    return report | {
        "recall@10 of float32": recall(found, queries, rows),
        "recall@10 of int8": recall(found, queries, stored),
        "cosine of int8 to float32, least": float((stored * rows).sum(axis=1).min()),
        "memory MB": memory,
    }


def recall(found: list[list[int]], queries: Rows, rows: Rows) -> float:
    """Share of the exact nearest that were found."""
    exact = np.argpartition(-(queries @ rows.T), TOP_K, axis=1)[:, :TOP_K]
    shared = [len({*mine} & {*best}) for mine, best in zip(found, exact.tolist(), strict=True)]
    return sum(shared) / (TOP_K * len(queries))


def resident_mb() -> float:
    """Memory of this process, mapped files included."""
    fields = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in fields if line.startswith("VmRSS")).split()[1]) / 1e3


if __name__ == "__main__":
    main()
