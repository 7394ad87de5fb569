"""Where the samples of a stream come from: a recording, a pipe, or a microphone."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import Source, blocks
from tinyalm.errors import AudioError, ConfigError, MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.streaming.wave_header import MAGIC, Pcm, find_samples, next_file

FORMATS = {"s16le": "<i2", "f32le": "<f4"}
_READ = 1 << 16  # bytes asked for at once; a pipe gives what it has
_MICROPHONE_S = 0.1  # of sound in one chunk


class Chunk(NamedTuple):
    """Consecutive samples and their rate.

    Attributes:
        samples: (samples,) or (samples, channels): floats in [-1, 1], or int16.
        rate: Hz; None where it is as before.
    """

    samples: NDArray[Any]
    rate: int | None


@runtime_checkable
class Stream(Protocol):
    """Something that gives samples once, in order."""

    @property
    def faults(self) -> list[str]:
        """What was wrong with it and did not end it, a line each; all of it after the end."""
        ...

    def __iter__(self) -> Iterator[Chunk]:
        """The samples as they come."""
        ...


class Pipe(Protocol):
    """An unbuffered binary file, as ``open(0, "rb", buffering=0)`` gives one."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes as soon as there are any; none at the end."""
        ...


class Recording:
    """A file or an array as `tinyalm.audio.blocks` gives it; errors are its.

    Args:
        source: a file, or samples.
        sample_rate: Hz, of what is given.
        source_rate: Hz, of an array; a file knows its own.
    """

    def __init__(self, source: Source, sample_rate: int, source_rate: int | None = None) -> None:
        self._source, self._rate, self._source_rate = source, sample_rate, source_rate
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[Chunk]:
        for block in blocks(self._source, self._rate, source_rate=self._source_rate):
            yield Chunk(block, self._rate)


class PcmStream:
    """Samples out of a pipe: raw, or behind a WAV header, which then says how they are written.

    A further WAV file may follow the first, at another rate, too.

    Args:
        pipe: where they come from.
        rate: Hz, of raw samples.
        channels: interleaved, of raw samples; 1 by default.
        sample_format: ``s16le`` (by default) or ``f32le``, of raw samples.

    Attributes:
        faults: see `Stream`.

    Raises:
        ConfigError: another format.
    """

    def __init__(
        self,
        pipe: Pipe,
        rate: int | None = None,
        channels: int | None = None,
        sample_format: str | None = None,
    ) -> None:
        if sample_format is not None and sample_format not in FORMATS:
            raise ConfigError(f"format {sample_format!r} is neither {' nor '.join(FORMATS)}")
        self._pipe = pipe
        self._asked = (rate, channels, sample_format)
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[Chunk]:
        """The samples.

        Raises:
            AudioError: nothing came, raw samples came and ``rate`` is not known, or a WAV header
                is damaged, of a format other than the two, or not what was asked for.
        """
        head = self._exactly(4)
        if not head:
            raise AudioError("-: nothing came through the pipe; check the program before it")
        if head not in MAGIC:
            yield from self._samples(self._raw(), head)
            return
        while head:
            pcm = find_samples(self._exactly)
            self._compare(pcm)
            yield from self._samples(pcm, b"")
            head = b"" if pcm.size is None else next_file(self._exactly, pcm.size)

    def _samples(self, pcm: Pcm, held: bytes) -> Iterator[Chunk]:
        """Samples up to their stated size, or the end; ``held`` was read already."""
        dtype = np.dtype(FORMATS[pcm.sample_format])
        frame, left = dtype.itemsize * pcm.channels, pcm.size
        while left is None or left > 0:
            data = self._pipe.read(_READ if left is None else min(_READ, left))
            if not data:
                break
            left = None if left is None else left - len(data)
            held += data
            whole = len(held) - len(held) % frame
            if whole:
                samples = np.frombuffer(held[:whole], dtype).reshape(-1, pcm.channels)
                yield Chunk(samples, pcm.rate)
                held = held[whole:]
        if held:
            self.faults.append(f"-: ended within a sample; its last {len(held)} bytes are left out")
        if left:
            self.faults.append(f"-: ended {left} bytes before the end that its header states")

    def _raw(self) -> Pcm:
        rate, channels, sample_format = self._asked
        if rate is None:
            raise AudioError(
                "-: raw samples do not state their rate; give it with --rate, or pipe a WAV file"
            )
        return Pcm(rate, channels or 1, sample_format or "s16le")

    def _compare(self, pcm: Pcm) -> None:
        """Refuse a header that contradicts what was asked."""
        names = ("rate", "channels", "format")
        for name, asked, stated in zip(names, self._asked, pcm[:3], strict=True):
            if asked not in (None, stated):
                raise AudioError(
                    f"-: the WAV header in the pipe says {name} {stated}, and --{name} {asked}; "
                    f"leave out --{name}"
                )

    def _exactly(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end."""
        data = b""
        while len(data) < size and (more := self._pipe.read(size - len(data))):
            data += more
        return data


class Microphone:
    """Sound from an input of this machine, through sounddevice, the extra ``mic``.

    Args:
        device: its number, or a part of its name; the system's choice by default.

    Attributes:
        faults: see `Stream`.
    """

    def __init__(self, device: str | None = None) -> None:
        self._device = int(device) if device and device.isdecimal() else device or None
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[Chunk]:
        """The samples, of one channel, at the device's own rate, without end.

        Raises:
            MissingExtraError: sounddevice or PortAudio is not installed.
            AudioError: there is no such device, or it fails.
        """
        try:
            import sounddevice
        except ImportError:
            raise MissingExtraError(f"the microphone needs: {pip_command('mic')}") from None
        except OSError as error:
            raise MissingExtraError(
                f"the microphone needs PortAudio ({error}); install it, e.g. apt install "
                "libportaudio2"
            ) from None
        lost = 0
        try:
            rate = round(sounddevice.query_devices(self._device, "input")["default_samplerate"])
            with sounddevice.InputStream(
                samplerate=rate, channels=1, dtype="float32", device=self._device
            ) as stream:
                while True:
                    samples, overflowed = stream.read(round(_MICROPHONE_S * rate))
                    lost += bool(overflowed)
                    self.faults = [f"mic: sound was lost {lost} times before it came"][: bool(lost)]
                    yield Chunk(samples, rate)
        except (sounddevice.PortAudioError, ValueError) as error:
            name = "mic" if self._device is None else f"mic:{self._device}"
            raise AudioError(
                f"{name}: {' '.join(str(error).split())}; 'python -m sounddevice' lists the devices"
            ) from None
