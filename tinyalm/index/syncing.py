"""Making an index hold what a folder holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tinyalm.audio import name
from tinyalm.errors import AudioError, ConfigError
from tinyalm.index import files
from tinyalm.index.answers import SyncReport
from tinyalm.index.store import Recording

Outcome = Literal["added", "updated", "moved", "unchanged", "expired"]
Gone = dict[bytes, list[Recording]]  # recordings whose files are not there, by hash
Put = Callable[[Path, Gone], tuple[Outcome, str]]
Progress = Callable[[int, int], None]


def sync(
    folder: Path, known: list[Recording], put: Put, progress: Progress | None
) -> tuple[SyncReport, list[Recording]]:
    """Put every audio file of ``folder`` into an index.

    Args:
        folder: the folder.
        known: what the index has of it.
        put: brings one file up to date; may take from the recordings that are gone, where the file
            is one of them under another name. Returns what it did, and the path it took.
        progress: called with how many files are done, and of how many.

    Returns:
        What was done, and the recordings that are gone and were not taken.

    Raises:
        ConfigError: there is no such folder, or nothing is left in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{name(folder)}: no such folder")
    unread: list[OSError] = []
    found = files.audio_files(folder, unread)
    if known and not found:
        raise ConfigError(
            f"{name(folder)}: no audio file here, and the index has {len(known)} of it; see that "
            "its disk is mounted, or take them out with 'tinyalm index remove'"
        )
    report = SyncReport(
        failed=[f"{name(e.filename)}: cannot be read ({e.strerror})" for e in unread]
    )
    gone = _gone(known, found, [Path(error.filename) for error in unread])
    for done, file in enumerate(found):
        if progress is not None:
            progress(done, len(found))
        try:
            outcome, path = put(file, gone)
        except AudioError as error:
            report.failed.append(str(error))
            continue
        if outcome == "moved":
            report.moved.append((path, files.key(file)))
        elif outcome == "unchanged":
            report.unchanged += 1
        elif outcome == "expired":
            report.expired += 1
        else:
            (report.added if outcome == "added" else report.updated).append(path)
    if progress is not None:
        progress(len(found), len(found))
    return report, [recording for same in gone.values() for recording in same]


def _gone(known: list[Recording], found: list[Path], unread: list[Path]) -> Gone:
    """The recordings that are not among the files, but for those in folders nobody could read."""
    there = {files.absolute(file) for file in found}
    gone: Gone = {}
    for recording in known:
        hidden = any(
            Path(recording.path).is_relative_to(files.absolute(folder)) for folder in unread
        )
        if recording.path not in there and not hidden:
            gone.setdefault(recording.sha256, []).append(recording)
    return gone
