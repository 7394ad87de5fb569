"""Stretches of a recording that sound alike, and their captions as one text."""

from collections.abc import Sequence

import numpy as np

from tinyalm.captioning.results import CaptionSegment
from tinyalm.results import WindowEmbeddings, unit_length

SHORTEST_S = 3.0  # of a segment, seconds
LONGEST_S = 30.0
ALIKE = 0.5  # least cosine of a stretch to the segment before it that it belongs to
_TOLD = 4  # segments that the text names, the longest ones

Span = tuple[int, int]  # first window, and the one behind the last


def segment(windows: WindowEmbeddings) -> list[Span]:
    """Cut a recording where it begins to sound otherwise.

    Stretches of `SHORTEST_S` are taken in time order; one that is like the mean of the segment so
    far goes on with it.

    Args:
        windows: of the recording.

    Returns:
        Consecutive spans that cover all windows.
    """
    spans: list[Span] = []
    for span in _stretches(windows):
        if spans and _goes_on(windows, spans[-1], span):
            spans[-1] = spans[-1][0], span[1]
        else:
            spans.append(span)
    return spans


def _stretches(windows: WindowEmbeddings) -> list[Span]:
    """Spans of about `SHORTEST_S`; a shorter rest belongs to the last."""
    number = ((windows.start_s - windows.start_s[0]) // SHORTEST_S).astype(int)
    whole = max(1, int(windows.duration // SHORTEST_S))
    number = np.minimum(number, whole - 1)
    first = np.flatnonzero(np.diff(number, prepend=-1)).tolist()
    return list(zip(first, [*first[1:], len(number)], strict=True))


def _goes_on(windows: WindowEmbeddings, last: Span, span: Span) -> bool:
    if windows.end_s[span[1] - 1] - windows.start_s[last[0]] > LONGEST_S:
        return False
    before, after = (
        unit_length(windows.embeddings[first:stop].mean(axis=0)) for first, stop in (last, span)
    )
    return bool(before @ after >= ALIKE)


def merged_text(segments: Sequence[CaptionSegment]) -> str:
    """The captions of segments as one sentence, in time order.

    Segments without a caption are passed over, and neighbours that say the same count as one.
    """
    told: list[tuple[str, float]] = []
    for one in segments:
        if one.text and told and told[-1][0] == one.text:
            told[-1] = one.text, told[-1][1] + one.end - one.start
        elif one.text:
            told.append((one.text, one.end - one.start))
    longest = sorted(range(len(told)), key=lambda number: -told[number][1])[:_TOLD]
    texts = [told[number][0] for number in sorted(longest)]
    texts = [text for at, text in enumerate(texts) if not at or text != texts[at - 1]]
    if len(texts) < 2:
        return "".join(texts)
    return "first " + ", then ".join(texts)
