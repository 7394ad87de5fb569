"""Whole-process cost of `tinyalm tag`: what a user waits for, and the memory it takes.

    python benchmarks/tag_process.py [BUNDLE ...] [--json]

Tags a 10 s clip of noise bursts with three labels, the bundles in turn, and prints wall time and
peak resident memory: median, and smallest to largest.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from tinyalm.benchmark.contender import clip
from tinyalm.shipped import find_bundle

ROUNDS = 9


def process(bundle: Path, recording: Path) -> tuple[float, float]:
    """Seconds and megabytes of one `tinyalm tag`."""
    command = [str(Path(sys.executable).with_name("tinyalm")), "tag", str(recording)]
    command += ["--bundle", str(bundle), "--labels", "dog barking,rain,speech"]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    """Measure and print."""
    named = [argument for argument in sys.argv[1:] if argument != "--json"]
    bundles = [find_bundle(name) for name in named or (None,)]
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "clip.wav"
        soundfile.write(recording, clip(10, 44100), 44100)
        runs = [[process(bundle, recording) for bundle in bundles] for _ in range(ROUNDS)]
    rows = []
    for number, bundle in enumerate(bundles):
        seconds, megabytes = zip(*(run[number] for run in runs), strict=True)
        row = {"name": bundle.name, "process_s": spread(list(seconds))}
        rows.append(row | {"peak_rss_mb": spread(list(megabytes))})
    if "--json" in sys.argv:
        print(json.dumps(rows))
    else:
        for row in rows:
            print("  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
