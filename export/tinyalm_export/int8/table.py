"""What the search tried and chose: a file of the bundle, and lines to read."""

import msgspec
from msgspec import Struct

from tinyalm.cli.layout import aligned, size

SEARCH = "int8-search.json"


class Budget(Struct, frozen=True):
    """What int8 may cost on held-out sound.

    Attributes:
        drop: points of zero-shot top-1, over the clips that have labels; they must be some.
        mean: lowest mean cosine between the embeddings of int8 and fp32.
        lowest: lowest cosine of any window.
    """

    drop: float
    mean: float = 0.995
    lowest: float = 0.97


class Trial(Struct, frozen=True, kw_only=True):
    """One int8 encoder.

    Attributes:
        candidate: the name of one of `int8.candidates.CANDIDATES`.
        floats: nodes that were put back in float, the most sensitive first.
        cosine_mean, cosine_min: to fp32, over the held-out windows.
        drop: points of zero-shot top-1 lost on the held-out clips; none without labels.
        bytes: of its graph, fp32's in the table being ``fp32_bytes``.
        ms: median of a window, on one thread of this machine; none where it was not timed.
        speedup: over fp32, in turn with it.
        within: whether the budget holds.
        chosen: whether the bundle has it.
    """

    candidate: str
    floats: list[str]
    cosine_mean: float
    cosine_min: float
    drop: float | None
    bytes: int
    within: bool
    ms: float | None = None
    speedup: float | None = None
    chosen: bool = False


class Sensitivity(Struct, frozen=True):
    """What one node costs: the mean cosine where it alone is rounded."""

    node: str
    cosine_mean: float


class Table(Struct, frozen=True, kw_only=True):
    """The search.

    Attributes:
        target: see `tinyalm_export.targets.TARGETS`.
        budget: what was asked.
        calibration_windows, windows, labelled_clips: how much sound ranges and figures are of.
        fp32_bytes, fp32_ms: of the encoder in float.
        trials: in the order of trying.
        sensitivity: of the nodes, the most sensitive first, where it was asked for.
        left_out: candidates that were not tried, and why.
    """

    target: str
    budget: Budget
    calibration_windows: int
    windows: int
    labelled_clips: int
    fp32_bytes: int
    fp32_ms: float
    trials: list[Trial]
    sensitivity: list[Sensitivity] = []
    left_out: list[str] = []


def lines(content: bytes) -> str:
    """The file `SEARCH` as text."""
    table = msgspec.json.decode(content, type=Table)
    exact = ["fp32", "", "", "", "", size(table.fp32_bytes), f"{table.fp32_ms:.2f}", ""]
    rows = [_HEAD, exact, *(_cells(trial) for trial in table.trials)]
    counted = f"{table.windows} held-out windows, {table.labelled_clips} clips with labels"
    return "\n".join([f"{counted}:", aligned(rows, indent="  "), *table.left_out])


_HEAD = ["int8", "in float", "cosine", "lowest", "drop", "size", "ms", ""]


def _cells(trial: Trial) -> list[str]:
    return [
        trial.candidate,
        str(len(trial.floats) or ""),
        f"{trial.cosine_mean:.5f}",
        f"{trial.cosine_min:.4f}",
        "" if trial.drop is None else f"{trial.drop:+.2f}",
        size(trial.bytes),
        "" if trial.ms is None else f"{trial.ms:.2f}",
        "chosen" if trial.chosen else "" if trial.within else "over budget",
    ]
