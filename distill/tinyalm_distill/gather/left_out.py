"""Clips that must not be gathered, known by name and by content."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import blocks
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.gather.patterns import Known, pattern
from tinyalm_distill.manifest import Clip

_RATE = 16000  # Hz, at which clips are read
_EXCERPT = re.compile(r"_x\d+$")


class LeftOut:
    """What must not be gathered.

    Args:
        clips: clips of manifests. Those outside the split ``train`` are known by name, too: a
            recording is left out if it is of the same source and of the same name, digits aside.
        patterns: each (SIZE,) float32, see `pattern`; known by content.
    """

    def __init__(self, clips: Iterable[Clip], patterns: Sequence[NDArray[np.float32]]) -> None:
        self._names: dict[str, set[str]] = {}
        for clip in clips:
            if clip.split != "train":
                name = clip.file.stem.removeprefix(f"{clip.source}__")
                self._names.setdefault(clip.source, set()).add(_bare(_EXCERPT.sub("", name)))
        self._patterns = Known(patterns)

    def named(self, source: str, name: str) -> bool:
        """Tell whether the recording ``name`` of ``source`` is one of them, by its name."""
        bare = _bare(PurePosixPath(name).stem)
        known = self._names.get(source, ())
        return any(k == bare or (bare and k.endswith(f"_{bare}")) for k in known)

    def holds(self, mel: NDArray[np.float32]) -> bool:
        """Tell whether a clip of this pattern is one of them, by its content."""
        return self._patterns.holds(mel)


def _bare(name: str) -> str:
    """A name without digits and signs; one of digits only stays as it is."""
    letters = "_".join(re.findall(r"[^\W\d_]+", name.lower()))
    return letters or name


def identity(clips: Iterable[Clip]) -> list[tuple[str, int, str, str]]:
    """What tells these clips from others, wherever they lie.

    Raises:
        DataError: one of them is missing.
    """
    try:
        return [(c.file.name, c.file.stat().st_size, c.source, c.split) for c in clips]
    except OSError as error:
        raise DataError(f"{error.filename}: to be left out, and cannot be read") from None


def pattern_of(clip: Clip) -> NDArray[np.float32]:
    """The pattern of a clip in a file of its own.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return pattern(next(blocks(clip.file, _RATE)), _RATE)
    except AudioError as error:
        raise DataError(f"to be left out, and cannot be compared: {error}") from None
