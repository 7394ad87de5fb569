"""Recordings as mono float32 samples at a wanted rate, in blocks: hours of sound, little memory.

Channels are averaged. (msclap lays them end to end instead, which makes two of each sound.)
Resampling is soxr's HQ; the samples are the same whatever the blocks, and the same for a file as
for an array of its samples. n samples at rate r become floor(n * sample_rate / r + 1/2).
"""

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio.meter import SHORTEST_S, Meter
from tinyalm.audio.resampling import Resampler, mean_of_channels
from tinyalm.audio.sources import AudioArray, AudioFile, opened
from tinyalm.errors import AudioError

Source: TypeAlias = str | os.PathLike[str] | BinaryIO | NDArray[Any]

# Names by which recordings are known in a folder; a file that is named is tried whatever its name.
SUFFIXES = frozenset(
    {".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav"}
)
LOWEST_RATE = 100  # Hz; a header that states less is damaged, and would make hours of seconds
BLOCK_S = 10
BLOCK_SAMPLES = 1 << 20  # of all channels together


def blocks(
    source: Source,
    sample_rate: int,
    *,
    source_rate: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Read a recording, or a part of it, block by block.

    That a recording is truncated, too short or silent may show only at its end: blocks come first,
    then the error. Whoever takes the blocks drops what was made of them. A part of a recording may
    be silent; a whole one may not. Nothing is opened before the first block is asked for.

    Args:
        source: a path; a seekable binary stream, read from its beginning; or an array, (samples,)
            or (samples, channels): floats in [-1, 1], or int16 or int32 of their full range.
        sample_rate: Hz, of what is returned.
        source_rate: Hz, of an array; a file states its own.
        start_s: seconds to leave out at the beginning.
        end_s: seconds from the beginning of the recording at which to stop, by default its end; up
            to 10 ms behind its end is the end, so that a rounded duration works.

    Yields:
        (samples,) float32, at most about 10 s of sound, each a new array.

    Raises:
        AudioError: the recording is missing, no audio, truncated or damaged; holds NaN or infinite
            samples, less than 10 ms, or nothing above -90 dBFS; or start_s or end_s is outside it.
    """
    label = name(source)
    if not sample_rate > 0:
        raise AudioError(f"{label}: sample_rate is {sample_rate}; it is in Hz and above 0")
    return _resampled(_opened(source, source_rate, label), sample_rate, (start_s, end_s), label)


def read(
    source: Source,
    sample_rate: int,
    *,
    source_rate: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> NDArray[np.float32]:
    """Read a recording, or a part of it, at once; arguments and errors are those of `blocks`.

    Returns:
        (samples,) float32.
    """
    parts = blocks(source, sample_rate, source_rate=source_rate, start_s=start_s, end_s=end_s)
    return np.concatenate([np.zeros(0, np.float32), *parts])


def name(source: Source) -> str:
    """What messages call a recording: its path in one printable line, or ``<array>``."""
    if isinstance(source, np.ndarray):
        return "<array>"
    path = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if not isinstance(path, str | os.PathLike):
        return "<stream>"
    text = os.fspath(path) or "''"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _opened(
    source: Source, source_rate: int | None, label: str
) -> AbstractContextManager[AudioArray | AudioFile]:
    """Open a recording of any sort."""
    if isinstance(source, np.ndarray):
        return nullcontext(AudioArray(source, source_rate, label))
    if not isinstance(source, str | os.PathLike) and not hasattr(source, "read"):
        raise AudioError(
            f"{label}: a {type(source).__name__} is no recording; pass a path, a binary stream or "
            "an array"
        )
    if source_rate is not None:
        raise AudioError(f"{label}: a file states its own rate; leave out source_rate")
    return opened(source, label)


def _resampled(
    opening: AbstractContextManager[AudioArray | AudioFile],
    sample_rate: int,
    span_s: tuple[float, float | None],
    label: str,
) -> Iterator[NDArray[np.float32]]:
    """Decode, average and resample; see `blocks`."""
    with opening as recording:
        rate = recording.rate
        if rate < LOWEST_RATE:
            raise AudioError(f"{label}: {rate} Hz is no rate of sound; write it with the right one")
        start, stop = _part(recording, *span_s, label)
        meter = Meter(label, rate, start)
        resampler = Resampler(rate, sample_rate)
        size = max(1, min(BLOCK_S * rate, BLOCK_SAMPLES // recording.channels))
        for piece in recording.pieces(start, stop, size):
            block = resampler.push(meter.heard(mean_of_channels(piece)))
            if block.size:
                yield block
        _part(recording, *span_s, label)  # again: by now the length is known
        meter.check(recording.channels, whole=span_s == (0, None))
        rest = resampler.finish()
        if rest.size:
            yield rest


def _part(
    recording: AudioArray | AudioFile, start_s: float, end_s: float | None, label: str
) -> tuple[int, int | None]:
    """The samples between two times; None stands for the end where it is not known yet."""
    rate, frames = recording.rate, recording.frames
    if not 0 <= start_s < math.inf or not (end_s is None or start_s < end_s < math.inf):
        raise AudioError(
            f"{label}: start_s {start_s:g} and end_s {end_s} are no part of a recording; "
            "0 <= start_s < end_s must hold"
        )
    start, stop = round(start_s * rate), None if end_s is None else round(end_s * rate)
    if frames is None:
        return start, stop
    if start >= max(1, frames) or (stop or 0) > frames + SHORTEST_S * rate:
        part = f"start_s {start_s:g}" + ("" if end_s is None else f" to end_s {end_s:g}")
        raise AudioError(
            f"{label}: {part} is outside the recording, which lasts {frames / rate:.2f} s"
        )
    return start, frames if stop is None else min(stop, frames)
