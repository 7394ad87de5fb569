"""The part of a file that libsndfile is shown."""

import os
from typing import BinaryIO

_ID3V1 = 128


class FileView:
    """A file-like object that reads as a part of a file and never raises.

    libsndfile calls it from C, where an exception would only be printed.

    Args:
        file: the whole file; its position is this object's from now on.
        start: byte of the file that is byte 0 here.
        stop: byte of the file at which this object ends.
        stretch: how many times its real length it claims to have.

    Attributes:
        failure: the error that reading met, if any; what was read then looks like the end.
    """

    def __init__(self, file: BinaryIO, start: int, stop: int, *, stretch: int = 1) -> None:
        self._file, self._start, self._length = file, start, stop - start
        self._claimed = self._length * stretch
        self._at = 0
        self.failure: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte; `os.SEEK_END` counts from the end that is claimed."""
        base = 0 if whence == os.SEEK_SET else self._at if whence == os.SEEK_CUR else self._claimed
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The byte to be read next."""
        return self._at

    def readinto(self, buffer: bytearray) -> int:
        """Fill ``buffer`` as far as there is something; returns how many bytes were put there."""
        data = b""
        try:
            if self._at < self._length:
                self._file.seek(self._start + self._at)
                data = self._file.read(min(len(buffer), self._length - self._at))
        except OSError as error:
            self.failure = error
        # The MPEG decoder looks for a tag here; a file that ends before it is an endless one to it.
        if not data and self._at == self._claimed - _ID3V1:
            data = bytes(min(len(buffer), _ID3V1))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
