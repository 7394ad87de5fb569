"""Indexes to test with: of the small bundle, or of random embeddings."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.fakes import WORDS, write_tone
from tests.process import environment
from tinyalm.index.identity import Identity
from tinyalm.index.store import Stamp, Store
from tinyalm.results import WindowEmbeddings, unit_length

SYNC = """
import sys, tinyalm
with tinyalm.load(sys.argv[1]).index(sys.argv[2]) as index:
    print("ready", flush=True)
    report = index.sync(sys.argv[3], progress=lambda done, total: print(done, flush=True))
    print("failed", len(report.failed))
"""


def sounds(folder: Path, seconds: float = 1.0) -> dict[str, Path]:
    """A recording of each word, by word."""
    folder.mkdir(parents=True, exist_ok=True)
    return {word: write_tone(folder / f"{word}.wav", word, seconds) for word in WORDS}


def syncing(bundle: Path, file: Path, folder: Path) -> subprocess.Popen:
    """A process that syncs ``folder``, and prints how many files are done before each."""
    command = [sys.executable, "-c", SYNC, str(bundle), str(file), str(folder)]
    return subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment())


def clustered(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """Embeddings of unit length, about 50 around each of some centers, (count, dim) float32."""
    draw = np.random.default_rng(seed)
    centers = unit_length(np.random.default_rng(0).normal(size=(100, dim)).astype("f4"))
    noise = draw.normal(0, 0.6 / dim**0.5, (count, dim)).astype("f4")
    return unit_length(centers[draw.integers(0, len(centers), count)] + noise)


def random_store(path: Path, rows: np.ndarray, start: int = 0) -> Store:
    """An index of recordings of 100 segments; segment i of ``rows`` is at ``i + start``."""
    store = Store(path, Identity("random", "0" * 64, rows.shape[1], None, None))
    for at in range(0, len(rows), 100):
        part = rows[at : at + 100]
        times = np.arange(len(part), dtype=float)
        with store.writing():
            windows = WindowEmbeddings(times, times + 1, part)
            store.put(f"/r/{start + at:06d}.wav", Stamp(1, 1), b"", windows)
    return store


def place(hit) -> int:
    """Which of the rows of `random_store` a hit is."""
    return int(Path(hit.file).stem) + round(hit.start)
