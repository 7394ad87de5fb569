"""The view of `tinyalm listen --live`: level, best labels, what is going on; the extra live."""

import math
import time
from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinyalm.cli.layout import clock
from tinyalm.streaming import Session
from tinyalm.streaming.sources import Chunk

_TOP = 5
_WIDTH = 30  # characters of a full bar
_FLOOR_DBFS = -60.0
_STALLED_S = 2.0


class LiveView:
    """Draws a session on standard error, and events above it as they come.

    Args:
        session: is looked at when a chunk was heard, never between.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._console = Console(stderr=True)
        self._drawn: RenderableType = ""
        self._heard_at = time.monotonic()  # for the eye alone: no event depends on it
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._live.stop()
        if not self._console.is_terminal:  # where the view is drawn once, without a line's end
            self._console.line()

    def log(self, line: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(line))

    def watched(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks; after each was heard, the view is brought up to date."""
        for chunk in chunks:
            yield chunk
            self._heard_at = time.monotonic()
            self._look()

    def _look(self) -> None:
        session, counts = self._session, self._session.counts
        level = 20 * math.log10(session.level) if session.level else -math.inf
        rows = Table.grid(padding=(0, 2))
        rows.add_row("level", _bar(1 - level / _FLOOR_DBFS), f"{level:.0f} dBFS")
        for label, score in session.top(_TOP):
            rows.add_row(Text(label), _bar(score), f"{score:.3f}")
        now = ", ".join(f"{one.label} since {clock(one.start)}" for one in session.open)
        lost = f"{counts.dropped} dropped, {counts.merged} merged, {counts.clipped_samples} clipped"
        state = Text(f"{clock(session.seconds)} heard; {counts.answered} windows, {lost}")
        self._drawn = Group(rows, Text(f"now: {now or '-'}"), state)

    def _draw(self) -> RenderableType:
        silent = time.monotonic() - self._heard_at
        if silent < _STALLED_S:
            return self._drawn
        return Group(self._drawn, Text(f"no sound comes since {silent:.0f} s"))


def _bar(share: float) -> str:
    return "\N{BLACK VERTICAL RECTANGLE}" * round(_WIDTH * min(1.0, max(0.0, share)))
