"""Progress bars of long work, on standard error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


class Bar:
    """One bar; called with what is done and of how many, it moves."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        """Show ``task`` of ``progress``."""
        self._progress, self._task = progress, task

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Move to ``done`` of ``total``, with ``note`` behind the bar."""
        self._progress.update(self._task, completed=done, total=total, note=note)


@contextmanager
def bar(label: str) -> Iterator[Bar]:
    """A bar named ``label``, with the time left; on no terminal, one line at the end."""
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(12),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
    )
    # Of several processes one shows its own.
    console = Console(stderr=True, quiet=os.environ.get("RANK", "0") != "0")
    with Progress(*columns, console=console) as progress:
        yield Bar(progress, progress.add_task(label, total=None, note=""))
