"""A folder of one's own in the cache, for as long as something is made."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def workspace(cache: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    """Lock ``cache`` and give an empty folder in it, which is removed whatever happens.

    Where the system or the file system has no locks, there is none: two processes may then make
    the same thing, but each in its own folder and up to a rename, so that the cache stays whole.

    Args:
        cache: the cache's root, made if it is not there.
        waiting: called if another process has the lock, before this one waits for it.

    Raises:
        OSError: ``cache`` cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        if _locked(lock.fileno(), waiting):
            # Nobody else is at work: whatever lies here was left by a process that was killed.
            shutil.rmtree(cache / "tmp", ignore_errors=True)
        (cache / "tmp").mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=cache / "tmp"))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _locked(handle: int, waiting: Callable[[], None]) -> bool:
    """Take the lock, which the system gives back when the process ends; false if there is none."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            return True
    return False
