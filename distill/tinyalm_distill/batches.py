"""The order in which a student sees its views: a function of seed and step, and of nothing else."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.recipe import TrainConfig
from tinyalm_distill.sampling import balanced_order, cluster
from tinyalm_distill.teachers import Answers
from tinyalm_distill.views import Views

Epoch = Callable[[Generator], NDArray[np.int64]]  # the windows of an epoch


def batches(views: Views, config: TrainConfig, seed: int, answers: Answers) -> Iterator[list[int]]:
    """Numbers of the views of every batch, epoch after epoch without end.

    An epoch takes one view of every window, or as many windows by `balanced_order` where the recipe
    asks for clusters; a window's next view comes in the next epoch. All views of a batch have one
    length. What is left of a length after whole batches makes a smaller one, unless it is a single
    view, which batch normalisation cannot take.

    Args:
        views: all of them.
        config: size of a batch, and number of clusters.
        seed: of the order.
        answers: the teacher's, whose embeddings are clustered.

    Raises:
        DataError: no two windows have the same length, so that there is no batch at all.
    """
    lengths = np.array([window.length for window in views.windows])
    if np.unique(lengths, return_counts=True)[1].max() < 2:
        raise DataError("too few recordings to train on: no two windows have the same length")
    per_window = views.config.views
    windows = _epoch(views, config, seed, answers)
    first_view = np.random.default_rng(seed).integers(per_window, size=len(lengths))
    epoch = 0
    while True:
        draw = np.random.default_rng([seed, epoch])
        chosen = windows(draw)
        numbers = chosen * per_window + (first_view[chosen] + epoch) % per_window
        chunks = [
            same[start : start + config.batch_size]
            for length in np.unique(lengths)
            for same in [numbers[lengths[chosen] == length]]
            for start in range(0, len(same), config.batch_size)
        ]
        for index in draw.permutation(len(chunks)):
            if len(chunks[index]) > 1:
                yield chunks[index].tolist()
        epoch += 1


def _epoch(views: Views, config: TrainConfig, seed: int, answers: Answers) -> Epoch:
    if not config.clusters:
        return lambda draw: draw.permutation(len(views.windows))
    plain = answers.embeddings[:: views.config.views].astype(np.float32)
    clusters = cluster(plain, min(config.clusters, len(plain)), seed)
    return lambda draw: balanced_order(clusters, draw)
