"""An encoder as a contender: ``python -m tinyalm_export.int8.timing GRAPH FRAMES BANDS``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinyalm.benchmark import Contender, Row, race, serve
from tinyalm.benchmark.contender import Answer
from tinyalm.engine import engine

RUNS = 101
_CLIP_S = 0.1  # of a clip that is not looked at


def time_encoders(graphs: Sequence[Path], *, frames: int, bands: int) -> list[Row]:
    """Time encoders in turn, each in a process of its own on one thread.

    Args:
        graphs: ONNX files from log-mel to embedding; speedups are over the first.
        frames: of the log-mel that they are given.
        bands: of it.
    """
    arguments = ["-m", __name__]
    entrants = [
        Contender(graph.stem, [*arguments, str(graph), str(frames), str(bands)]) for graph in graphs
    ]
    return race(entrants, clip_s=_CLIP_S, threads=1, runs=RUNS)


def main(graph: str, frames: str, bands: str) -> None:
    """Be that contender."""
    shape = (1, int(frames), int(bands))
    log_mel = np.random.default_rng(0).normal(-3, 2, shape).astype(np.float32)

    def load() -> Answer:
        encoder = engine("onnxruntime").open(Path(graph), threads=1)
        return lambda _waveform: encoder.run({"log_mel": log_mel})

    serve(load, _CLIP_S, 16000)


if __name__ == "__main__":
    main(*sys.argv[1:])
