"""The samples of SoundFont files (.sf2, .sf3): single notes, strokes and noises.

SoundFont Technical Specification 2.04, sections 4 and 7.10: a RIFF file whose chunk ``smpl`` holds
all samples and whose chunk ``shdr`` says where each of them is. In .sf3 (MuseScore's) each sample
is an Ogg Vorbis file of its own.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

SUFFIXES = frozenset({".sf2", ".sf3"})
_HEADER = struct.Struct("<20s5IBbHH")  # name, start, end, loop, loop, rate, pitch, tune, link, type
_RIGHT, _VORBIS, _ROM = 0x2, 0x10, 0x8000  # types; the right half of a pair sounds like the left
_RATES = range(4000, 192001)


def samples(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the samples of a SoundFont.

    Args:
        path: of the file.

    Yields:
        The name of each sample and an audio file with its content.

    Raises:
        ValueError: it is no SoundFont, or damaged.
    """
    with path.open("rb") as file:
        chunks = _chunks(file)
        if b"smpl" not in chunks or b"shdr" not in chunks:
            raise ValueError("no SoundFont")
        first, size = chunks[b"smpl"]
        at, length = chunks[b"shdr"]
        file.seek(at)
        headers = file.read(length // _HEADER.size * _HEADER.size)
        for name, start, end, *_, rate, _, _, _, kind in _HEADER.iter_unpack(headers):
            width = 1 if kind & _VORBIS else 2  # compressed samples are counted in bytes
            whole = 0 <= start < end <= size // width
            if whole and rate in _RATES and not kind & (_RIGHT | _ROM):
                file.seek(first + width * start)
                data = file.read(width * (end - start))
                text = name.split(b"\0")[0].decode("latin-1")
                yield text, data if kind & _VORBIS else _wav(data, rate)


def _chunks(file: BinaryIO) -> dict[bytes, tuple[int, int]]:
    """Where the content of each chunk begins, and its bytes; those within lists included."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    chunks: dict[bytes, tuple[int, int]] = {}
    while len(header := file.read(8)) == 8:
        name, size = header[:4], int.from_bytes(header[4:], "little")
        at = file.tell()
        if name in (b"RIFF", b"LIST"):
            file.seek(at + 4)  # into the list, behind its type
            continue
        if at + size > end:
            raise ValueError("truncated")
        chunks[name] = at, size
        file.seek(at + size + size % 2)
    return chunks


def _wav(data: bytes, rate: int) -> bytes:
    """16-bit samples as a WAV file."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(data, "<i2"), rate, "PCM_16", format="WAV")
    return file.getvalue()
