"""WAV headers in a pipe, where nothing can be read twice."""

from collections.abc import Callable
from typing import NamedTuple

from tinyalm.errors import AudioError

MAGIC = (b"RIFF", b"RF64")
_UNKNOWN = 0x7FFF0000  # a size from here on, or none, says "not known yet": the recorder pipes
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORMATS = {(_PCM, 16): "s16le", (_FLOAT, 32): "f32le"}
_LONGEST = 1 << 16  # bytes that a chunk before the samples may have
_DAMAGED = "-: a damaged WAV header; check the program before the pipe"

Read = Callable[[int], bytes]  # as many bytes as asked, fewer at the end


class Pcm(NamedTuple):
    """How samples are written.

    Attributes:
        rate: Hz.
        channels: interleaved.
        sample_format: ``s16le`` or ``f32le``.
        size: bytes of them; None where only the end tells.
    """

    rate: int
    channels: int
    sample_format: str
    size: int | None = None


def find_samples(read: Read) -> Pcm:
    """Read a WAV file, of which `MAGIC` was read already, up to its samples.

    Raises:
        AudioError: it is damaged, or its samples are neither 16-bit integers nor 32-bit floats.
    """
    if read(8)[4:] != b"WAVE":
        raise AudioError(_DAMAGED)
    written, long_size = None, 0
    while True:
        kind, size = _chunk(read)
        if kind == b"data":
            break
        if size > _LONGEST:
            raise AudioError(_DAMAGED)
        body = read(size + size % 2)
        if kind == b"fmt " and len(body) >= 16:
            written = _format(body)
        elif kind == b"ds64":
            long_size = int.from_bytes(body[8:16], "little")
    if written is None:
        raise AudioError(_DAMAGED)
    known = 0 < size < _UNKNOWN
    return written._replace(size=size if known else long_size or None)


def next_file(read: Read, size: int) -> bytes:
    """Skip what follows ``size`` bytes of samples; returns the next file's `MAGIC`, else b""."""
    read(size % 2)
    while True:
        kind = read(4)
        if kind in MAGIC or len(kind) < 4:
            return kind if kind in MAGIC else b""
        length = int.from_bytes(read(4), "little")
        if length > _LONGEST:
            return b""
        read(length + length % 2)


def _chunk(read: Read) -> tuple[bytes, int]:
    header = read(8)
    if len(header) < 8:
        raise AudioError(_DAMAGED)
    return header[:4], int.from_bytes(header[4:], "little")


def _format(body: bytes) -> Pcm:
    code, channels, rate = (
        int.from_bytes(body[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8))
    )
    bits = int.from_bytes(body[14:16], "little")
    if code == _EXTENSIBLE and len(body) >= 26:
        code = int.from_bytes(body[24:26], "little")
    sample_format = _FORMATS.get((code, bits))
    if sample_format is None:
        raise AudioError(
            f"-: a WAV file of {bits}-bit samples (format {code}) in the pipe; make them 16-bit, "
            "e.g. arecord -f S16_LE, or name a file"
        )
    if not channels or not rate:
        raise AudioError(_DAMAGED)
    return Pcm(rate, channels, sample_format)
