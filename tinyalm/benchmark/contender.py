"""What a contender's process does: load, then answer to the clip once for every line that it reads.

It prints a line when it is ready, and after every run the milliseconds that it took. What else the
program prints goes to standard error.
"""

import contextlib
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Answer = Callable[[NDArray[np.float32]], object]


def clip(seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """Bursts of noise, (samples,) float32: the cost of sound does not depend on what it is."""
    samples = round(seconds * sample_rate)
    bursts = np.sin(np.arange(samples) * (8 * np.pi / sample_rate)) > 0
    noise = np.random.default_rng(0).normal(0, 0.1, samples)
    return np.asarray(noise * bursts, np.float32)


def serve(load: Callable[[], Answer], seconds: float, sample_rate: int) -> None:
    """Be a contender; returns when standard input ends.

    Args:
        load: gives the function that is timed, which takes (samples,) float32.
        seconds: length of the clip that it is given.
        sample_rate: of the clip, Hz.
    """
    with contextlib.redirect_stdout(sys.stderr):
        answer, waveform = load(), clip(seconds, sample_rate)
        answer(waveform)
    print("ready", flush=True)  # noqa: T201 - the protocol
    for _ in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            start = time.perf_counter()
            answer(waveform)
            taken = time.perf_counter() - start
        print(1e3 * taken, flush=True)  # noqa: T201
