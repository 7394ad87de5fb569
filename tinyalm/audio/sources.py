"""Where samples come from: an audio file, by its path or open already, or an array.

Files reach libsndfile as Python file objects, never by name: streams take the same way, no name
leads to a guess, and MPEG files are tidied on it (see `tinyalm.audio.mpeg`). What is wrong with a
file is said in one line, with the remedy.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from tinyalm.audio.integrity import missing_bytes
from tinyalm.audio.mpeg import find
from tinyalm.audio.view import FileView
from tinyalm.errors import AudioError

_MOST_CHANNELS = 32  # of an array; more are taken for samples
_FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}
_HEADERLESS = (".raw", ".pcm")
_SEEKABLE = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_UNCOUNTED = 2**62  # libsndfile gives a number beyond it where only decoding tells the length
_STRETCH = 40  # no first MPEG frame has more than 40 times the bitrate of the others
_MPEG_SLACK = 2 * 1152  # frames that decoders differ by at the ends of an MPEG file
_AGAIN = "copy or record it again"


class AudioFile:
    """An open audio file.

    Attributes:
        rate: Hz.
        channels: how many.
        frames: samples of each channel; None where only decoding tells.
    """

    def __init__(self, view: FileView, label: str, *, mpeg_counted: bool) -> None:
        self._view, self._label = view, label
        try:
            self._sound = soundfile.SoundFile(view)
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"{label}: not a format that libsndfile reads ({_reason(error)}); "
                f"if it is audio, convert it, e.g. ffmpeg -i {label} -ar 16000 {label}.wav"
            ) from None
        # After each read soundfile seeks to where it is: in vain, and in FLAC of unknown length it
        # fails at the end.
        self._sound.seekable = lambda: False
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        guessed = self._sound.format == "MP3" and not mpeg_counted
        known = not guessed and self._sound.frames < _UNCOUNTED
        self.frames: int | None = self._sound.frames if known else None

    def pieces(self, start: int, stop: int | None, size: int) -> Iterator[NDArray[np.float32]]:
        """Decode from sample ``start`` to ``stop``; then `frames` is known if the end was reached.

        Args:
            start: number of the first sample wanted.
            stop: number of the first one not wanted; None stands for the end.
            size: samples of a channel in one piece, at most.

        Yields:
            (samples, channels) float32, in [-1, 1] where the file holds integers.

        Raises:
            AudioError: the file is truncated or damaged.
        """
        # Seeking lands beside the sample in Vorbis, and on one decoded otherwise in Opus and MP3.
        at = start if self._sound.subtype.startswith(_SEEKABLE) else 0
        try:
            if at:
                self._sound.seek(at)
            while stop is None or at < stop:
                count = size if stop is None else min(size, stop - at)
                piece = self._sound.read(count, dtype="float32", always_2d=True)
                if not len(piece):
                    self._check_end(at)
                    break
                skipped = max(0, start - at)
                at += len(piece)
                if at > start:
                    yield piece[skipped:]
        except soundfile.LibsndfileError as error:
            self._check_disk()
            raise AudioError(
                f"{self._label}: truncated or damaged, it cannot be decoded to its end "
                f"({_reason(error)}); {_AGAIN}"
            ) from None

    def close(self) -> None:
        """Close the decoder; the file stays open."""
        self._sound.close()

    def _check_end(self, at: int) -> None:
        """Compare the sample at which decoding ended with what the file promises."""
        self._check_disk()
        slack = _MPEG_SLACK if self._sound.subtype.startswith("MPEG") else 0
        if self.frames is not None and at < self.frames - slack:
            raise AudioError(
                f"{self._label}: truncated, it ends after {at / self.rate:.2f} s of "
                f"{self.frames / self.rate:.2f} s; {_AGAIN}"
            )
        self.frames = at

    def _check_disk(self) -> None:
        """Report what reading met, which libsndfile took for the end."""
        if self._view.failure is not None:
            raise AudioError(
                f"{self._label}: reading failed ({self._view.failure}); check the disk"
            ) from self._view.failure


class AudioArray:
    """Samples in memory, read like a file; the attributes are those of `AudioFile`.

    Args:
        samples: (samples,) or (samples, channels), float, int16 or int32.
        rate: Hz.
        label: what messages call it.

    Raises:
        AudioError: no rate, another shape or another type.
    """

    def __init__(self, samples: NDArray[Any], rate: int | None, label: str) -> None:
        if rate is None or not rate > 0:
            raise AudioError(
                f"{label}: samples need their rate, and it is {rate}; pass source_rate in Hz"
            )
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
            raise AudioError(
                f"{label}: has shape {samples.shape}; pass (samples,) or (samples, channels)"
            )
        if samples.dtype.kind != "f" and samples.dtype.name not in _FULL_SCALE:
            raise AudioError(
                f"{label}: holds {samples.dtype} samples; pass floats in [-1, 1], int16 or int32"
            )
        self._samples = samples if samples.ndim == 2 else samples[:, None]
        self.rate = rate
        self.frames: int | None = len(self._samples)
        self.channels: int = self._samples.shape[1]
        if self.channels > _MOST_CHANNELS:
            raise AudioError(
                f"{label}: has {self.channels} channels, being of shape {samples.shape}; "
                "if that is (channels, samples), pass array.T"
            )

    def pieces(self, start: int, stop: int | None, size: int) -> Iterator[NDArray[np.float32]]:
        """The samples from ``start`` to ``stop`` as new (samples, channels) float32 arrays."""
        scale = _FULL_SCALE.get(self._samples.dtype.name)
        stop = len(self._samples) if stop is None else stop
        for at in range(start, stop, size):
            with np.errstate(over="ignore"):  # what becomes infinite here is refused later
                piece = self._samples[at : min(at + size, stop)].astype(np.float32)
            if scale is not None:
                piece /= np.float32(scale)
            yield piece


@contextmanager
def opened(source: str | os.PathLike[str] | BinaryIO, label: str) -> Iterator[AudioFile]:
    """Open an audio file by its path, or one that is open already, which is then left open.

    Args:
        source: path, or a seekable binary stream, which is read from its beginning.
        label: what messages call it.

    Raises:
        AudioError: it is missing, empty, unreadable, truncated, or no audio.
    """
    if Path(label).suffix.lower() in _HEADERLESS:
        raise AudioError(
            f"{label}: headerless samples state neither their rate nor their type; convert them, "
            f"e.g. ffmpeg -f s16le -ar 16000 -ac 1 -i {label} {label}.wav"
        )
    with _open(source, label) as file:
        size = _size(file, label)
        mpeg = find(file, size)
        _refuse_truncated(mpeg.missing(size) if mpeg else missing_bytes(file, size), size, label)
        view = FileView(file, 0, size)
        if mpeg:
            stretch = 1 if mpeg.counted else _STRETCH
            view = FileView(file, mpeg.start, mpeg.stop, stretch=stretch)
        counted = mpeg is not None and mpeg.counted
        with closing(AudioFile(view, label, mpeg_counted=counted)) as recording:
            yield recording


def _open(
    source: str | os.PathLike[str] | BinaryIO, label: str
) -> AbstractContextManager[BinaryIO]:
    """Open a regular file; leave a stream as it is."""
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    try:
        mode = Path(source).stat().st_mode
        if stat.S_ISREG(mode):
            return Path(source).open("rb")
    except FileNotFoundError:
        raise AudioError(f"{label}: no such file; check the path") from None
    except PermissionError:
        raise AudioError(f"{label}: may not be read; allow it, e.g. chmod +r {label}") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{label}: cannot be opened ({error}); check the path") from None
    if stat.S_ISDIR(mode):
        raise AudioError(f"{label}: a directory; name the audio files in it")
    raise AudioError(f"{label}: a device or pipe, no file; save the sound to a file first")


def _size(file: BinaryIO, label: str) -> int:
    """Bytes in an open file."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        first = file.read(1)
    except (OSError, ValueError, AttributeError) as error:
        raise AudioError(
            f"{label}: not a seekable binary stream ({error}); pass a path, an array, or "
            "io.BytesIO of what it gives"
        ) from None
    if not size:
        raise AudioError(f"{label}: empty (0 bytes); {_AGAIN}")
    if not isinstance(first, bytes):
        raise AudioError(f"{label}: opened as text; open it with mode 'rb'")
    return size


def _refuse_truncated(lacking: int, size: int, label: str) -> None:
    """Raise where bytes are missing."""
    if lacking > 0:
        raise AudioError(
            f"{label}: truncated, it holds {size} bytes of at least {size + lacking}; {_AGAIN}"
        )


def _reason(error: soundfile.LibsndfileError) -> str:
    """What libsndfile says, ready to stand in a sentence."""
    return str(error.error_string).removeprefix("Error : ").strip(" .")
