"""A recording's tags as lines of text: for people, JSON Lines, CSV, and Audacity's label tracks."""

import json
from collections.abc import Callable, Iterator

from tinyalm.cli.layout import aligned, clock, comma_separated, track_line
from tinyalm.results import ClipTags

Form = Callable[[str, ClipTags], Iterator[str]]  # of a recording's name and its tags


def plain(file: str, tags: ClipTags) -> Iterator[str]:
    """A table of the recording's tags, for people."""
    rows = [("score", "label", "strongest")]
    for tag in tags:
        when = f"{clock(tag.start)}\N{EN DASH}{clock(tag.end)}"
        rows.append((f"{tag.score:5.3f}", tag.label, when))
    yield f"{file} ({clock(tags.duration)})"
    yield aligned(rows, indent="  ")


def as_json(file: str, tags: ClipTags) -> Iterator[str]:
    """One JSON object, ASCII, so that no terminal or file name can spoil it."""
    yield json.dumps({"file": file, **tags.to_dict()}, allow_nan=False)


def as_csv(file: str, tags: ClipTags) -> Iterator[str]:
    """Rows of `CSV_HEAD`, one for each tag of each window."""
    for segment in tags.segments:
        span = (f"{segment.start:.3f}", f"{segment.end:.3f}")
        for tag in segment.tags:
            yield comma_separated([file, *span, tag.label, f"{tag.score:.4f}"])


def as_audacity(_file: str, tags: ClipTags) -> Iterator[str]:
    """A label track of the windows' tags, each with its score."""
    for segment in tags.segments:
        for tag in segment.tags:
            yield track_line(segment.start, segment.end, f"{tag.label} {tag.score:.2f}")


CSV_HEAD = "file,start,end,label,score"
FORMS: dict[str, Form] = {"json": as_json, "csv": as_csv, "audacity": as_audacity}
