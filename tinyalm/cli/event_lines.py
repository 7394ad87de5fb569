"""Events as lines of text: for people, JSON Lines, CSV, and Audacity's label tracks."""

import json
from collections.abc import Callable

from tinyalm.cli.layout import clock, comma_separated, track_line
from tinyalm.streaming import Event

Form = Callable[[Event], str]


def plain(event: Event) -> str:
    """``0:01.5-0:04.0  0.93  dog``, for people."""
    when = f"{clock(event.start)}\N{EN DASH}{clock(event.end)}"
    return f"{when}  {event.score:5.3f}  {event.label}"


def as_json(event: Event) -> str:
    """One JSON object, ASCII, so that no terminal or label can spoil it."""
    return json.dumps(event.to_dict(), allow_nan=False)


def as_csv(event: Event) -> str:
    """A row of `CSV_HEAD`."""
    times = [f"{seconds:.3f}" for seconds in (event.start, event.end, event.peak)]
    return comma_separated([*times, f"{event.score:.4f}", event.label])


def as_audacity(event: Event) -> str:
    """A line of an Audacity label track."""
    return track_line(event.start, event.end, event.label)


CSV_HEAD = "start,end,peak,score,label"
FORMS: dict[str, Form] = {"json": as_json, "csv": as_csv, "audacity": as_audacity}
