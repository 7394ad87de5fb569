"""Where the audio of an MPEG file (MP3 or MP2) lies, so that its decoder sees nothing else.

The decoder inside libsndfile writes to the process's standard error where a tag is odd or a Xing
header does not fit the size of the file; and where no Xing header counts the frames, it guesses the
length from the first of them and stops there. It is shown the frames alone, and where they are not
counted, a file long enough for any guess.
"""

import re
from typing import BinaryIO, NamedTuple

_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_HEADER = 4
_REACH = 1 << 16  # bytes within which the next frame is looked for
_IN_A_ROW = 3  # frames that follow each other: audio, not a chance pattern
_TOLERANCE = 0.01  # of the bytes that a Xing header promises; the decoder complains of more
_SLACK = 4096  # bytes
_ID3_HEADER = 10
_OTHERS = (b"fLaC", b"RIFF", b"FORM", b"OggS")
_KBITS_1 = {
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_KBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


class Mpeg(NamedTuple):
    """Where the audio of an MPEG file lies.

    Attributes:
        start: byte at which the first frame begins.
        stop: byte after the last frame, before any tags at the end.
        counted: whether a Xing header counts the frames, so that the decoder knows the length.
        promised: bytes of audio according to that header; 0 where there is none.
    """

    start: int
    stop: int
    counted: bool
    promised: int

    def missing(self, size: int) -> int:
        """Bytes that a file of ``size`` lacks; 0 where it is whole but for some rounding."""
        lacking = self.promised - (size - self.start)
        return lacking if lacking > min(self.promised * _TOLERANCE, _SLACK) else 0


def find(file: BinaryIO, size: int) -> Mpeg | None:
    """Find the audio of an MPEG file; None where it is not one, or one of a rare kind.

    Args:
        file: the whole file; its position changes.
        size: bytes in it.
    """
    tags = _leading_tags(file)
    file.seek(tags)
    first = file.read(1)
    # Tags or zeros may stand before the first frame; anything else is another format.
    start = _next_frame(file, tags) if tags or first in (b"\xff", b"\0") else None
    if start is None:
        return None
    file.seek(start)
    frames, promised = _xing(file.read(64))
    if not frames:
        return Mpeg(start, _last_frame_end(file, start, size), counted=False, promised=promised)
    surplus = promised and size - start > promised * (1 + _TOLERANCE)  # tags, and no audio
    return Mpeg(start, start + promised if surplus else size, counted=True, promised=promised)


def _frame_bytes(header: bytes) -> int:
    """Length of the frame that starts with these bytes; 0 where they start none."""
    if len(header) < _HEADER or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    kbits, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or kbits in (0, 15) or rate == 3:
        return 0
    first = version == 3  # MPEG-1; else MPEG-2, or 2.5 at half its rates
    hertz = (44100, 48000, 32000)[rate] // (1 if first else 2 if version == 2 else 4)
    kilobits = (_KBITS_1[layer] if first else _KBITS_2)[kbits - 1]
    return (144 if first or layer == 2 else 72) * kilobits * 1000 // hertz + padding


def _next_frame(file: BinaryIO, at: int) -> int | None:
    """The next byte at which frames begin to follow each other, or a Xing header begins."""
    file.seek(at)
    data = file.read(_REACH)
    if data.startswith(_OTHERS):
        return None
    starts = (match.start() for match in _SYNC.finditer(data))
    return next((at + start for start in starts if _is_audio(data, start)), None)


def _is_audio(data: bytes, at: int) -> bool:
    """Whether some frames of one kind follow each other from here, or up to the end of ``data``."""
    kind = data[at + 1] & 0xFE, data[at + 2 : at + 3]
    if any(_xing(data[at : at + 64])):
        return _frame_bytes(data[at : at + _HEADER]) > 0
    for _ in range(_IN_A_ROW):
        header = data[at : at + _HEADER]
        length = _frame_bytes(header)
        if not length or header[1] & 0xFE != kind[0] or (header[2] ^ kind[1][0]) & 0x0C:
            return False
        at += length
        if at >= len(data):
            return True
    return True


def _last_frame_end(file: BinaryIO, at: int, size: int) -> int:
    """The byte after the last whole frame; a part of one behind it would stop the decoder early."""
    start = end = at
    while at < size:
        file.seek(at)
        length = _frame_bytes(file.read(_HEADER))
        if not length:
            following = _next_frame(file, at + 1)
            if following is None:
                break
            at = following
        else:
            at += length
            end = at if at <= size else end
    file.seek(start)
    # The decoder refuses a single frame, and says so on the standard error.
    return end if end - start > _frame_bytes(file.read(_HEADER)) else start


def _leading_tags(file: BinaryIO) -> int:
    """Bytes that the ID3v2 tags at the start take."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(_ID3_HEADER)
        if len(header) < _ID3_HEADER or header[:3] != b"ID3":
            return at
        size = 0
        for byte in header[6:]:
            size = size << 7 | byte & 0x7F
        at += _ID3_HEADER + size


def _xing(frame: bytes) -> tuple[int, int]:
    """(frames, bytes) that the Xing header in the first frame counts; 0 for what it does not."""
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return 0, 0
    flags, first, second = (int.from_bytes(frame[at + i : at + i + 4]) for i in (4, 8, 12))
    frames = first if flags & 1 else 0
    return frames, (second if flags & 1 else first) if flags & 2 else 0
