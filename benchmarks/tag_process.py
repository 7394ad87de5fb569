"""Whole-process cost of `tinyalm tag`: what a user waits for, and the memory it takes.

    python benchmarks/tag_process.py A.tinyalm [B.tinyalm ...] [--json]

Tags a 10 s clip of noise bursts with three labels, the bundles in turn, and prints wall time and
peak resident memory: median, and smallest to largest. Then the time of embedding the same clip
within one process, on one thread, again in turn, with every front end that the bundle has, and how
many times faster each is than the first bundle in one graph.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import tinyalm

ROUNDS = 9
TIMINGS = 61


def make_clip(folder: Path) -> Path:
    """Ten seconds at 44.1 kHz."""
    draw = np.random.default_rng(0)
    bursts = draw.normal(0, 0.1, 441000) * (np.sin(np.arange(441000) / 20000) > 0)
    soundfile.write(folder / "clip.wav", bursts, 44100)
    return folder / "clip.wav"


def process(bundle: Path, clip: Path) -> tuple[float, float]:
    """Seconds and megabytes of one `tinyalm tag`."""
    command = [str(Path(sys.executable).with_name("tinyalm")), "tag", str(clip)]
    command += ["--bundle", str(bundle), "--labels", "dog barking,rain,speech"]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def embedding_ms(bundles: list[Path], clip: Path) -> dict[tuple[Path, str], list[float]]:
    """Milliseconds of embedding the clip's samples, by bundle and front end, in turn."""
    models = {}
    for bundle in bundles:
        for frontend in ("graph", "auto"):
            model = tinyalm.load(bundle, frontend=frontend)
            models[bundle, model.frontend] = model
    samples, rate = soundfile.read(clip, dtype="float32")
    waveform = np.interp(np.arange(160000) / 16000, np.arange(len(samples)) / rate, samples)
    times: dict[tuple[Path, str], list[float]] = {name: [] for name in models}
    for turn in range(TIMINGS + 3):
        for name, model in models.items():
            start = time.perf_counter()
            model.embed_audio(waveform.astype(np.float32), sample_rate=16000)
            if turn >= 3:
                times[name].append(1e3 * (time.perf_counter() - start))
    return times


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    """Measure and print."""
    bundles = [Path(argument) for argument in sys.argv[1:] if argument != "--json"]
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder))
        runs = [[process(bundle, clip) for bundle in bundles] for _ in range(ROUNDS)]
        times = embedding_ms(bundles, clip)
    rows = []
    for number, bundle in enumerate(bundles):
        seconds, megabytes = zip(*(run[number] for run in runs), strict=True)
        row = {"name": bundle.name, "process_s": spread(list(seconds))}
        rows.append(row | {"peak_rss_mb": spread(list(megabytes))})
    first = times[bundles[0], "graph"]
    for (bundle, frontend), mine in times.items():
        ratios = [one / other for one, other in zip(first, mine, strict=True)]
        row = {"name": bundle.name, "frontend": frontend, "embed_10s_ms": spread(mine)}
        rows.append(row | {"speedup": spread(ratios)})
    if "--json" in sys.argv:
        print(json.dumps(rows))
    else:
        for row in rows:
            print("  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
