"""Linear probe: what a linear classifier makes of frozen embeddings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.evaluation.classification import (
    FIGURES,
    figures,
    labelled,
    labels_of,
    relevance,
)
from tinyalm_distill.evaluation.embedders import Embedder
from tinyalm_distill.evaluation.folds import Fold, deal, make_folds
from tinyalm_distill.evaluation.hearing import Whole, hear
from tinyalm_distill.evaluation.logistic import fit
from tinyalm_distill.evaluation.metrics import top_k
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar

_STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of L2; the strongest first, each starts the next
_HELD_OUT = 5  # one part in so many of the training clips chooses among them


def probe(
    embedder: Embedder, clips: Sequence[Clip], *, test: str | None = None, count: int = 5
) -> Measurement:
    """Logistic regression on frozen embeddings, trained and tested fold by fold (survey VII.A.2).

    The strength of its L2 is chosen in each fold on a fifth of the training recordings. Test clips
    of labels that the fold's training lacks are left out.

    Args:
        embedder: the model.
        clips: those with labels count.
        test: see `make_folds`.
        count: likewise.

    Raises:
        DataError: no clip has a label, or none can be used.
        ConfigError: folds that cannot be made.
    """
    clips = labelled(clips)
    heard = hear(embedder, [Whole(clip) for clip in clips])
    used = [clips[number] for number in heard.used]
    folds, labels = make_folds(used, test, count), labels_of(used)
    relevant = relevance(used, labels)
    scores = np.full(relevant.shape, np.nan, np.float32)
    strengths = []
    with bar(f"probe of {embedder.name}") as progress:
        for number, (train, tested) in enumerate(folds):
            parts = deal([used[i] for i in train], _HELD_OUT)
            scores[tested], l2 = _fold(heard.rows, relevant, (train, tested), parts == 0)
            strengths.append(l2)
            progress(number + 1, len(folds))
    return out_of_fold(
        "probe", embedder.name, heard.used, scores, relevant, folds, heard.skipped, l2=strengths
    )


def out_of_fold(
    measure: str,
    model: str,
    clips: NDArray[np.int64],
    scores: NDArray[np.float32],
    relevant: NDArray[np.bool_],
    folds: list[Fold],
    skipped: list[str],
    **facts: object,
) -> Measurement:
    """A measurement of classifiers that were tested on clips outside their training.

    Args:
        measure: its name.
        model: name of the model.
        clips: (n,) their numbers.
        scores: (n, labels), of the classifier that was not trained on the clip.
        relevant: (n, labels).
        folds: what each was trained and tested on.
        skipped: clips that could not be used.
        facts: more to tell.

    Raises:
        DataError: no label of the test clips is trained on.
    """
    known = np.zeros_like(relevant)
    for train, tested in folds:
        known[tested] = relevant[train].any(axis=0)
    counted = (relevant & known).any(axis=1)
    if not counted.any():
        raise DataError("no label of the test clips has a training clip; there is nothing to test")
    tested_clips = sum(len(tested) for _, tested in folds)
    return Measurement(
        measure=measure,
        model=model,
        clips=clips[counted],
        statistics=figures(scores[counted], relevant[counted]),
        retained=FIGURES,
        facts={
            "labels": relevant.shape[1],
            "folds": len(folds),
            "left out, of labels never trained on": tested_clips - int(counted.sum()),
            **facts,
        },
        skipped=skipped,
    )


def _fold(
    rows: NDArray[np.float32],
    relevant: NDArray[np.bool_],
    fold: Fold,
    chooses: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], float]:
    """Scores of a fold's test clips, (clips, labels), and the L2 that was chosen.

    Labels that are not trained on are last in every order: -infinity.
    """
    train, tested = fold
    trained = np.flatnonzero(relevant[train].any(axis=0))
    several = bool((relevant.sum(axis=1) > 1).any())
    inputs = rows.astype(np.float64)
    centre = inputs[train].mean(axis=0)
    inputs = (inputs - centre) / max(float((inputs[train] - centre).std()), 1e-12)
    targets = relevant[:, trained]
    l2 = _choose(inputs[train], targets[train], chooses, several)
    model = fit(inputs[train], targets[train], l2, several=several)
    scores = np.full((len(tested), relevant.shape[1]), -np.inf, np.float32)
    scores[:, trained] = model(inputs[tested])
    return scores, l2


def _choose(
    inputs: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    chooses: NDArray[np.bool_],
    several: bool,
) -> float:
    """The L2 with which most of the clips that choose are right; the strongest of equals."""
    model, right = None, []
    for l2 in _STRENGTHS:
        model = fit(inputs[~chooses], relevant[~chooses], l2, several=several, start=model)
        right.append(float(top_k(model(inputs[chooses]), relevant[chooses], 1).mean()))
    return _STRENGTHS[int(np.argmax(right))]
