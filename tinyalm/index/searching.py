"""From a query's embedding to moments in recordings."""

import numpy as np
from numpy.typing import NDArray

from tinyalm.index.answers import Hit
from tinyalm.index.quantization import to_float
from tinyalm.index.store import Filter, Segments, Store
from tinyalm.index.vectors import EXACT_ROWS, Vectors

_EVERYTHING = Filter()
_MORE = 4  # windows looked at for each moment that is wanted; further ones where that is too few


def moments(
    store: Store, vectors: Vectors, query: NDArray[np.float32], top_k: int, chosen: Filter
) -> list[Hit]:
    """The ``top_k`` moments nearest to ``query`` (dim,) float32 of unit length, best first.

    A moment is a window that overlaps no better one of its recording: windows overlap each other,
    and one sound would otherwise be answered several times. Similarities are computed from the
    stored embeddings, whatever the graph took them for.
    """
    if chosen != _EVERYTHING and store.count(chosen, EXACT_ROWS + 1) <= EXACT_ROWS:
        return _best(store.segments(chosen), query, top_k)
    vectors.refresh()
    count = _MORE * (top_k + _MORE)
    while True:
        found = store.segments(chosen, vectors.nearest(query, count))
        # Beyond the `count` best the graph and the tail may each lack what the other has.
        hits = _best(found, query, top_k, count)
        if len(hits) == top_k or count >= len(vectors):
            return hits
        count *= _MORE


def _best(
    found: Segments, query: NDArray[np.float32], top_k: int, count: int | None = None
) -> list[Hit]:
    """The moments among the ``count`` best segments, ``top_k`` at most."""
    similarities = to_float(found.rows) @ query
    order = np.argsort(-similarities, kind="stable")[:count]
    hits: list[Hit] = []
    taken: dict[str, list[tuple[float, float]]] = {}
    for at in order:
        start, end = map(float, found.spans[at])
        spans = taken.setdefault(found.paths[at], [])
        if all(end <= other_start or start >= other_end for other_start, other_end in spans):
            spans.append((start, end))
            hits.append(Hit(found.paths[at], start, end, float(similarities[at])))
            if len(hits) == top_k:
                break
    return hits
