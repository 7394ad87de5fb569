"""A stream heard to its end: at its own pace, or with a thread that reads ahead of the model."""

from collections.abc import Iterable, Iterator
from threading import Event as Flag
from threading import Thread

import numpy as np

from tinyalm.errors import AudioError
from tinyalm.streaming.events import Event
from tinyalm.streaming.session import Session
from tinyalm.streaming.sources import Chunk, Stream

_NOTHING = np.zeros(0, np.float32)


def listen(session: Session, chunks: Iterable[Chunk]) -> Iterator[Event]:
    """The events of a stream as they become certain; the session is closed at the end.

    Where the source fails, or Ctrl-C ends the wait for it, what was heard until then is answered
    first.

    Args:
        session: hears it.
        chunks: a `Stream`, or what else gives its chunks.

    Raises:
        AudioError: the source fails, or gives what are no samples.
        BundleError: the audio graph fails.
    """
    with session:
        try:
            for samples, rate in chunks:
                yield from session.push(samples, rate)
        except (AudioError, KeyboardInterrupt):
            yield from session.flush()
            raise
        yield from session.flush()


class ReadAhead:
    """A stream that a thread reads and feeds to a session, however far behind the model is.

    It gives empty chunks: pushing one answers what waits in the session, whose backlog decides what
    is lost. Only this, and never the source, is held up where the model is too slow.

    Args:
        session: is fed.
        stream: is read.
    """

    def __init__(self, session: Session, stream: Stream) -> None:
        self._session, self._stream = session, stream
        self._news, self._ended = Flag(), Flag()
        self._failure: BaseException | None = None

    @property
    def faults(self) -> list[str]:
        """Those of the stream."""
        return self._stream.faults

    def __iter__(self) -> Iterator[Chunk]:
        """Empty chunks, one when something was fed; errors are those of the stream."""
        # A daemon, since a pipe that stalls cannot be woken at the end of the process.
        Thread(target=self._read, daemon=True).start()
        while not self._ended.is_set():
            self._news.wait()
            self._news.clear()
            yield Chunk(_NOTHING, None)
        if self._failure is not None:
            raise self._failure

    def _read(self) -> None:
        try:
            for samples, rate in self._stream:
                self._session.feed(samples, rate)
                self._news.set()
        except BaseException as error:  # raised again where the chunks are taken
            self._failure = error
        self._ended.set()
        self._news.set()
