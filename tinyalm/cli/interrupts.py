"""Ctrl-C that is never lost."""

import _thread
import signal
from collections.abc import Iterable, Iterator
from threading import Timer
from types import FrameType, TracebackType
from typing import TypeVar

T = TypeVar("T")

_RETRY_S = 0.005
_CALLBACKS = "vio_"  # how soundfile names the functions through which libsndfile reads a stream


class Hold:
    """Hears Ctrl-C while something is waited for, and not while it is worked on.

    Within the block a SIGINT is noted, and raised when `waiting` next waits: no work is left half
    done, and none is done twice. Where SIGINT is handled otherwise, or is ignored, nothing changes.
    """

    def __init__(self) -> None:
        self._waits = self._caught = False

    def __enter__(self) -> "Hold":
        self._before = signal.getsignal(signal.SIGINT)
        self._holds = self._before in (_interrupt, signal.default_int_handler)
        if self._holds:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._holds:
            signal.signal(signal.SIGINT, self._before)

    def waiting(self, items: Iterable[T]) -> Iterator[T]:
        """The items; Ctrl-C is raised while the next one is waited for."""
        each = iter(items)
        while True:
            self._waits = True
            if self._caught:
                raise KeyboardInterrupt
            try:
                item = next(each)
            except StopIteration:
                return
            finally:
                self._waits = False
            yield item

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if self._waits:
            _interrupt(signum, frame)
        else:
            self._caught = True


def install() -> None:
    """Handle SIGINT as Python does, but not while libsndfile waits for a callback to return.

    An exception that is raised there is printed and dropped, and the recording is called damaged.
    A process that was started to ignore SIGINT goes on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    at = frame
    while at is not None:
        if at.f_code.co_name.startswith(_CALLBACKS):
            again = Timer(_RETRY_S, _thread.interrupt_main)
            again.daemon = True
            again.start()
            return
        at = at.f_back
    signal.default_int_handler(signum, frame)
