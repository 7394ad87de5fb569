"""Whether memory grows: thousands of recordings of many lengths, tagged by several threads.

    python benchmarks/soak.py [BUNDLE] [--calls 5000] [--lengths 50] [--threads 4] [--json]

One loaded model tags noise of random lengths between 0.1 s and `--longest`. Growth is the resident
set at its highest after the first tenth of the calls, in which every thread has met every sort of
length, less what it was then.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import tinyalm

SHORTEST_S = 0.1
LOOKS = 50  # at memory


def resident_bytes() -> int:
    """Resident set of this process; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def soak(
    bundle: str | None, calls: int, lengths: int, longest_s: float, threads: int
) -> dict[str, object]:
    """Tag and look."""
    model = tinyalm.load(bundle)
    rate = model.manifest.frontend.sample_rate
    draw = np.random.default_rng(0)
    noise = draw.normal(0, 0.1, round(longest_s * rate)).astype(np.float32)
    sizes = draw.integers(round(SHORTEST_S * rate), noise.size, lengths)
    order = draw.choice(sizes, calls).tolist()

    def tag(size: int) -> None:
        model.tag(noise[:size], sample_rate=rate)

    resident = []
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for part in (order[i::LOOKS] for i in range(LOOKS)):
            list(pool.map(tag, part))
            resident.append(resident_bytes())
            print(f"\r{len(resident)}/{LOOKS}", end="", file=sys.stderr)
    print(file=sys.stderr)
    warm = resident[LOOKS // 10 - 1 :]
    return {
        "bundle": model.manifest.name,
        "frontend": model.frontend,
        "calls": calls,
        "lengths": lengths,
        "threads": threads,
        "seconds": time.perf_counter() - start,
        "rss_mb": warm[0] / 1e6,
        "rss_growth_mb": (max(warm) - warm[0]) / 1e6,
        "rss_end_mb": warm[-1] / 1e6,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--lengths", type=int, default=50)
    parser.add_argument("--longest", type=float, default=20.0, help="seconds")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = soak(given.bundle, given.calls, given.lengths, given.longest, given.threads)
    if given.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:14} {value:.2f}" if isinstance(value, float) else f"{key:14} {value}")


if __name__ == "__main__":
    main()
