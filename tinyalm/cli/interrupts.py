"""Ctrl-C that is never lost."""

import _thread
import signal
from threading import Timer
from types import FrameType

_RETRY_S = 0.005
_CALLBACKS = "vio_"  # how soundfile names the functions through which libsndfile reads a stream


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
