"""Contenders in turn: one run of each, again and again, so that a busy machine slows all alike."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from tinyalm.errors import BenchmarkError

Progress = Callable[[int, int], None]


class Contender(Struct, frozen=True):
    """A program to time: arguments to Python that start a process which calls `serve`."""

    name: str
    arguments: list[str]


class Row(Struct, frozen=True, kw_only=True):
    """What was measured of one contender.

    Attributes:
        name: of the contender.
        clip_s: length of the clip, seconds.
        threads: CPU threads that it may use.
        runs: how many were timed.
        p50_ms, p95_ms: of a run, from waveform to scores.
        rtf: real-time factor, the median run over the clip's length.
        cold_start_s: from the start of the process to its first answer.
        peak_rss_mb: the most memory that the process held; NaN where the system does not say.
        speedup: how many times faster than the first contender: the median of the runs' ratios.
        speedup_low, speedup_high: the 5th and 95th percentile of these ratios.
    """

    name: str
    clip_s: float
    threads: int
    runs: int
    p50_ms: float
    p95_ms: float
    rtf: float
    cold_start_s: float
    peak_rss_mb: float
    speedup: float
    speedup_low: float
    speedup_high: float


def race(
    contenders: Sequence[Contender],
    *,
    clip_s: float,
    threads: int,
    runs: int,
    progress: Progress = lambda _done, _of: None,
) -> list[Row]:
    """Time ``contenders`` in turn; one run of each is not counted.

    Args:
        contenders: processes, which all stay alive until the end.
        clip_s: length of the clip that they were told, seconds.
        threads: that they were told.
        runs: to time of each.
        progress: told of every turn.

    Raises:
        BenchmarkError: a contender ends before it has answered; what it said is in the message.
    """
    started: list[_Process] = []
    try:
        started.extend(_Process(one) for one in contenders)  # each is loaded alone
        for process in started:
            process.run()
        times = np.empty((runs, len(started)))
        for turn in range(runs):
            times[turn] = [process.run() for process in started]
            progress(turn + 1, runs)
        rows = []
        for number, process in enumerate(started):
            ratios = times[:, 0] / times[:, number]
            median, high = np.percentile(times[:, number], (50, 95))
            row = Row(
                name=process.name,
                clip_s=clip_s,
                threads=threads,
                runs=runs,
                p50_ms=float(median),
                p95_ms=float(high),
                rtf=float(median) / 1e3 / clip_s,
                cold_start_s=process.cold_start_s,
                peak_rss_mb=process.peak_rss_mb(),
                speedup=float(np.median(ratios)),
                speedup_low=float(np.percentile(ratios, 5)),
                speedup_high=float(np.percentile(ratios, 95)),
            )
            rows.append(row)
        return rows
    finally:
        for process in started:
            process.close()


class _Process:
    """A contender that is running."""

    def __init__(self, contender: Contender) -> None:
        self.name = contender.name
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close
        start = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - Python, with arguments of ours
            [sys.executable, *contender.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self._line()
        self.cold_start_s = time.perf_counter() - start

    def run(self) -> float:
        """Milliseconds of one run."""
        if self._process.stdin is None:
            raise BenchmarkError(f"{self.name}: no way to speak to it")
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        return float(self._line())

    def peak_rss_mb(self) -> float:
        """The most memory that it held so far."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:  # not Linux
            return float("nan")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._fail()
        return line

    def _fail(self) -> None:
        self._process.communicate()
        self._said.seek(0)
        reason = (self._said.read().strip() or "it said nothing").splitlines()[-1]
        self.close()
        raise BenchmarkError(f"{self.name} ended before it answered: {reason}")
