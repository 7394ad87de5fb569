"""What listening costs: CPU seconds a second of sound, and memory over a long stream.

    python benchmarks/listen.py [--bundle A.tinyalm] [--labels A,B,C] [--hours 24] [--json]

Pushes noise that comes and goes, 100 ms at a time, 16-bit, through one session on one thread, as
fast as it goes. The share of one core at live rate is the CPU time of the whole process while it
pushes, over the sound's length, also given for a hop of exactly 1 s. Memory is the resident set
after the first 10 minutes of sound against the highest from there to the end, looked at once a
minute of sound.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import tinyalm
from tinyalm.streaming import EventRule

RATE = 16000
MINUTE = 600  # pushes of 100 ms
WARM_MINUTES = 10


def minute() -> np.ndarray:
    """A minute of noise whose level and colour change, (600, 1600) int16; the same every time."""
    draw = np.random.default_rng(0)
    white = draw.normal(0, 1, 60 * RATE)
    red = np.cumsum(white) / 100
    share = np.repeat(draw.uniform(0, 1, 60), RATE)
    level = np.repeat(draw.choice([0.001, 0.02, 0.2], 60), RATE)
    sound = level * (share * white + (1 - share) * np.diff(red, prepend=0) * 50)
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16).reshape(MINUTE, -1)


def resident_bytes() -> int:
    """Resident set of this process; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(bundle: Path | None, labels: list[str] | None, hours: float) -> dict[str, object]:
    """Push and look."""
    model = tinyalm.load(bundle)
    rule = EventRule(smoothing_s=1, min_duration_s=1, min_gap_s=1, refractory_s=1)
    sound, minutes = minute(), round(hours * 60)
    events, resident = 0, []
    with model.session(labels, rule=rule) as session:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(minutes):
            for piece in sound:
                events += len(session.push(piece, RATE))
            resident.append(resident_bytes())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        events += len(session.flush())
        counts = session.counts.to_dict()
    after = resident[min(WARM_MINUTES, len(resident)) - 1 :]
    hop = model.manifest.windows.hop_s
    return {
        "bundle": model.manifest.name,
        "frontend": model.frontend,
        "hours": minutes / 60,
        "hop_s": hop,
        "percent_of_a_core": 100 * cpu / (60 * minutes),
        "percent_at_1_s_hop": 100 * cpu / (60 * minutes) * hop,
        "cpu_ms_per_window": 1e3 * cpu / counts["windows"],
        "times_live_rate": 60 * minutes / wall,
        "rss_mb": after[0] / 1e6,
        "rss_growth_mb": (max(after) - after[0]) / 1e6,
        "events": events,
        **counts,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--labels", help="separated by commas; the bundle's own by default")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    labels = given.labels.split(",") if given.labels else None
    result = measure(given.bundle, labels, given.hours)
    if given.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:20} {value:.3f}" if isinstance(value, float) else f"{key:20} {value}")


if __name__ == "__main__":
    main()
