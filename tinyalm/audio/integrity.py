"""Audio files that end too early, told from good ones by what they say of themselves.

A false alarm is worse than a miss: only what a file contradicts outright counts, and a few bytes of
difference, which some writers leave, do not.
"""

from typing import BinaryIO

_SLACK = 64  # bytes that a good file may lack: some writers count the header among the samples
_UNKNOWN = 0x7FFF0000  # a size from here on says "not known yet": the recorder wrote to a pipe
_CHUNKS = 1000  # a file with more of them before its samples is no recording
_PAGE_HEADER = 27
_LONGEST_PAGE = _PAGE_HEADER + 255 + 255 * 255


def missing_bytes(file: BinaryIO, size: int) -> int:
    """Count the bytes that a file promises and lacks; 0 where nothing is known to be missing.

    WAV and AIFF state how long their samples are, and each page of an Ogg file how long it is. FLAC
    states its samples, which only decoding finds missing.

    Args:
        file: the whole file; its position changes.
        size: bytes in it.
    """
    file.seek(0)
    magic = file.read(4)
    if magic == b"OggS":
        return max(0, _last_page_end(file, size) - size)
    if magic not in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return 0
    lacking = _samples_end(file, big=magic in (b"RIFX", b"FORM")) - size
    return lacking if lacking > _SLACK else 0


def _samples_end(file: BinaryIO, *, big: bool) -> int:
    """The byte after the samples of a WAV or AIFF file, as its chunks state it; 0 where unknown."""
    at, long_size = 12, 0
    for _ in range(_CHUNKS):
        file.seek(at)
        header = file.read(24)
        if len(header) < 8:
            return 0
        kind, length = header[:4], int.from_bytes(header[4:8], "big" if big else "little")
        at += 8
        if kind == b"ds64":  # RF64: the sizes that do not fit into 32 bits
            long_size = int.from_bytes(header[16:24], "little")
        if kind in (b"data", b"SSND"):
            return at + length if length < _UNKNOWN else at + long_size if long_size else 0
        at += length + length % 2
    return 0


def _last_page_end(file: BinaryIO, size: int) -> int:
    """The byte after the last page that begins in an Ogg file, as its header states it.

    A file without a mark on its last page is not counted as cut short: live streams leave it out.
    """
    start = max(0, size - _LONGEST_PAGE)
    file.seek(start)
    tail = file.read(_LONGEST_PAGE)
    at = tail.rfind(b"OggS\0")
    if at < 0:
        return 0
    header = tail[at : at + _PAGE_HEADER + 255]
    segments = header[_PAGE_HEADER - 1] if len(header) >= _PAGE_HEADER else 255
    body = sum(header[_PAGE_HEADER : _PAGE_HEADER + segments])
    return start + at + _PAGE_HEADER + segments + body
