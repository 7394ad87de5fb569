"""How fast the log-mel front end is: tinyalm's executions and everybody else's, on one thread.

    python benchmarks/frontend.py [--json | --markdown] [--png FILE] [--case NAME ...] [--rounds N]

All contestants hear the same clip in turn. A turn is one call that does not count, because of what
the one before left in caches and clock speed, and as many more as 20 ms hold, one at least. Every
round begins with the next of them, and the first rounds are not counted. A row has the median, the
spread (what the middle half of the rounds spans), and how many times faster native is: the median
of the rounds' ratios, each of two runs that are close in time. Streams are measured in C, against
whole recordings in C. Before that, everyone's answer is compared with the reference of the front
end that it says it executes. What differs, and who cannot take part, is named on stderr.
"""

import argparse
import gc
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import numpy as np
from front_end_contestants import BUILDERS
from front_end_peers import Absent, Contestant, Waveform
from front_end_report import Row, draw, markdown, summarised, table
from front_end_streams import streamed

from tinyalm.errors import TinyalmError
from tinyalm.frontend import LogMelSpec, log_mel, preset

# Libraries read these when they are loaded.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
WARM_UP = 3
TURN_S = 0.02
AGREES = 0.1  # dB; float32 in quiet bands, and far below any difference of settings

# Not padded, because not everybody pads.
SPEECH = LogMelSpec(
    sample_rate=16000, n_fft=512, win_length=512, hop_length=160, f_max=8000.0, log_floor=1e-10
)
CLAP = preset("clap-htsat-unfused")
CASES = {  # front end, seconds
    "16k-512-160-64-10s": (SPEECH, 10),
    "16k-512-160-64-60s": (SPEECH, 60),
    "48k-1024-480-64-10s": (CLAP, 10),
    "48k-1024-480-64-60s": (CLAP, 60),
    "16k-400-160-80-30s": (preset("whisper-80"), 30),
}
PACKAGES = (
    "numpy",
    "onnxruntime",
    "torch",
    "torchaudio",
    "librosa",
    "kaldi-native-fbank",
    "transformers",
    "onnxruntime-extensions",
)


def clip(rate: int, seconds: int) -> Waveform:
    """Bursts of noise, and a tone that rises over quieter noise; (samples,) float32."""
    time_s = np.arange(rate * seconds) / rate
    noise = np.random.default_rng(0).normal(0, 0.1, time_s.size)
    bursts = np.where(np.sin(2 * np.pi * 0.7 * time_s) > 0, 1.0, 0.1)
    rising = 0.1 * np.sin(2 * np.pi * (100 + 0.1 * rate / seconds * time_s) * time_s)
    return np.asarray(noise * bursts + rising, dtype=np.float32)


def invited(spec: LogMelSpec, waveform: Waveform) -> dict[str, Contestant]:
    """Those that can take part and compute what they say."""
    found = {}
    for name, build in BUILDERS.items():
        try:
            contestant = build(spec)
            check(contestant, waveform)
        except (Absent, ImportError, OSError, TinyalmError) as reason:
            print(f"  {name} is absent: {reason}", file=sys.stderr)
            continue
        found[name] = contestant
        if contestant.spec != spec:
            print(f"  {name} differs: {differences(contestant.spec, spec)}", file=sys.stderr)
    return found


def check(contestant: Contestant, waveform: Waveform) -> None:
    """Refuse who computes something else than it says.

    Raises:
        Absent: the first second of ``waveform`` comes out differently.
    """
    spec = contestant.spec
    heard = waveform[: spec.sample_rate]
    answer = contestant.read(contestant.run(heard))
    expected = log_mel(heard, spec)
    if answer.shape != expected.shape:
        raise Absent(f"gives {answer.shape} and not {expected.shape}")
    error = float(np.abs(answer - expected).max()) * spec.std / spec.log_unit * 10 / np.log(10)
    if not error <= AGREES:
        raise Absent(f"is {error:.2g} dB from the reference")


def differences(executed: LogMelSpec, asked: LogMelSpec) -> str:
    """Settings of ``executed`` that ``asked`` has otherwise."""
    values = {field.name: getattr(executed, field.name) for field in msgspec.structs.fields(asked)}
    return ", ".join(f"{n} {value}" for n, value in values.items() if value != getattr(asked, n))


def measured(
    contestants: dict[str, Contestant], waveform: Waveform, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of a call in every counted round by contestant."""
    names = list(contestants)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-WARM_UP, rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            contestants[name].run(waveform)
            calls, elapsed = 0, 0.0
            start = time.perf_counter()
            while elapsed < TURN_S:
                contestants[name].run(waveform)
                calls, elapsed = calls + 1, time.perf_counter() - start
            if turn >= 0:
                times[name].append(1e3 * elapsed / calls)
    return times


def conditions(rounds: int) -> str:
    """Processor, rounds and versions in one line."""
    processor = platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = models[0] if models else processor
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"{processor}, one thread, {rounds} rounds; {', '.join(versions)}"


def arguments() -> argparse.Namespace:
    """Those of the command line."""
    parser = argparse.ArgumentParser(description="Time log-mel front ends on one thread.")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one array of rows")
    output.add_argument("--markdown", action="store_true", help="print a table for docs/")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw a bar chart")
    parser.add_argument("--case", action="append", choices=CASES, help="only these; repeatable")
    parser.add_argument("--rounds", type=int, default=21, help="counted ones (default: 21)")
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error(f"--rounds is {given.rounds}; a spread needs at least 2")
    return given


def main() -> None:
    """Measure and print."""
    given = arguments()
    if any(os.environ.get(name) != "1" for name in THREADS):
        alone = os.environ | dict.fromkeys(THREADS, "1")
        os.execve(sys.executable, [sys.executable, *sys.argv], alone)  # noqa: S606 - itself again
    rows: list[Row] = []
    for case in given.case or CASES:
        spec, seconds = CASES[case]
        waveform = clip(spec.sample_rate, seconds)
        print(case, file=sys.stderr)
        contestants = invited(spec, waveform)
        gc.disable()
        rows += summarised(case, measured(contestants, waveform, given.rounds))
        gc.enable()
        try:
            streams = summarised(case, streamed(spec, seconds, given.rounds))
            rows += [row for row in streams if row.name != "native"]
        except Absent as reason:
            print(f"  streams are absent: {reason}", file=sys.stderr)
    caption = conditions(given.rounds)
    if given.png:
        draw(rows, given.png, caption)
    if given.json:
        print(json.dumps([row._asdict() for row in rows]))
    elif given.markdown:
        print(f"{markdown(rows)}\n\nMedian ms (native is so many times faster). {caption}.")
    else:
        print(f"{table(rows)}\n{caption}")


if __name__ == "__main__":
    main()
