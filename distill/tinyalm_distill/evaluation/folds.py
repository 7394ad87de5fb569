"""Which clips a classifier is trained on and which it is tested on."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError
from tinyalm_distill.manifest import Clip

Fold: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]  # numbers to train on, to test on


def make_folds(clips: Sequence[Clip], test: str | None = None, count: int = 5) -> list[Fold]:
    """The manifest's own folds, or ours where it has none.

    A split is a fold. With ``test`` there is one: that split is tested on, all others are trained
    on. Without it every split is tested on once, by a classifier trained on the others. Where there
    are no splits, `deal` makes ``count`` of them.

    Raises:
        ConfigError: no clips of the split ``test``, or none but these.
    """
    splits = [clip.split for clip in clips]
    names = sorted(set(splits))
    if test is not None:
        if test not in names or len(names) == 1:
            raise ConfigError(
                f"test split {test!r}: it and another one must have clips with labels "
                f"(splits found: {', '.join(names) or 'none'})"
            )
        return [_fold(np.array([split == test for split in splits]))]
    if len(names) > 1:
        return [_fold(np.array([split == name for split in splits])) for name in names]
    dealt = deal(clips, count)
    return [_fold(dealt == number) for number in range(count)]


def deal(clips: Sequence[Clip], count: int) -> NDArray[np.int64]:
    """Deal clips into ``count`` parts, (clips,) of the part's number.

    Whole files go to one part, since parts of one recording are too alike; the files of a label are
    spread evenly. The same clips are always dealt in the same way.

    Raises:
        ConfigError: fewer files than parts.
    """
    files = {clip.file: clip.labels for clip in clips}
    if len(files) < count:
        raise ConfigError(f"{len(files)} recordings cannot be dealt into {count} parts")
    shuffled = np.random.default_rng(0).permutation(len(files))
    names = list(files)
    order = sorted((names[number] for number in shuffled), key=lambda file: files[file])
    part = {file: number % count for number, file in enumerate(order)}
    return np.array([part[clip.file] for clip in clips], np.int64)


def _fold(tested: NDArray[np.bool_]) -> Fold:
    return np.flatnonzero(~tested), np.flatnonzero(tested)
