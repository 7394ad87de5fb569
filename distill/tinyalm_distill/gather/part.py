"""What one package gave, in one file: written when the package is done, so that it is done once."""

import contextlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm_distill.gather.patterns import SIZE


class Row(Struct, frozen=True):
    """One clip.

    Attributes:
        file: its name in the folder.
        duration_s: seconds.
        kind: of the recording it comes from.
    """

    file: str
    duration_s: float
    kind: str


class Counts(Struct):
    """Recordings of a package: in all, and those that were not taken, by the reason."""

    recordings: int = 0
    damaged: int = 0
    silent: int = 0
    left_out: int = 0


@dataclass
class Part:
    """What one package gave.

    Attributes:
        rows: its clips.
        patterns: of each clip, (SIZE,) float32, see `pattern`.
        counts: of its recordings.
    """

    rows: list[Row] = field(default_factory=list)
    patterns: list[NDArray[np.float32]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def save(self, path: Path) -> None:
        """Write to ``path``, complete or not at all."""
        fresh = path.with_suffix(".tmp")
        table = np.array(self.patterns, np.float16).reshape(-1, SIZE)
        text = msgspec.json.encode((self.rows, self.counts))
        with fresh.open("wb") as file:
            np.savez(file, patterns=table, text=np.frombuffer(text, np.uint8))
        fresh.replace(path)


def load(path: Path) -> Part | None:
    """The part in ``path``; None if there is none, or a damaged one."""
    with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), np.load(path) as z:
        rows, counts = msgspec.json.decode(z["text"].tobytes(), type=tuple[list[Row], Counts])
        return Part(rows, list(z["patterns"].astype(np.float32)), counts)
    return None
