"""The order in which a student sees its views: a function of seed and step, and of nothing else."""

from collections.abc import Iterator

import numpy as np

from tinyalm.errors import DataError
from tinyalm_distill.views import Views


def batches(views: Views, batch_size: int, seed: int) -> Iterator[list[int]]:
    """Numbers of the views of every batch, epoch after epoch without end.

    An epoch takes one view of every window; a window's next view comes in the next epoch. All views
    of a batch have one length. What is left of a length after whole batches makes a smaller one,
    unless it is a single view, which batch normalisation cannot take.

    Raises:
        DataError: no two windows have the same length, so that there is no batch at all.
    """
    lengths = np.array([window.length for window in views.windows])
    of_length = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
    if max(map(len, of_length)) < 2:
        raise DataError("too few recordings to train on: no two windows have the same length")
    per_window = views.config.views
    first_view = np.random.default_rng(seed).integers(per_window, size=len(lengths))
    epoch = 0
    while True:
        draw = np.random.default_rng([seed, epoch])
        numbers = np.arange(len(lengths)) * per_window + (first_view + epoch) % per_window
        chunks = [
            chosen[start : start + batch_size]
            for windows in of_length
            for chosen in [draw.permutation(numbers[windows])]
            for start in range(0, len(chosen), batch_size)
        ]
        for index in draw.permutation(len(chunks)):
            if len(chunks[index]) > 1:
                yield chunks[index].tolist()
        epoch += 1
