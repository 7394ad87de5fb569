"""The native log-mel kernel as Python calls it.

ctypes releases the GIL during a call and nothing is copied: the kernel reads and writes numpy's
memory.
"""

import ctypes
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import BundleError, ConfigError
from tinyalm_runtimes.native_library import LEVELS, TYPES, Info, levels, library


class Quantization(NamedTuple):
    """How log-mels are written as 8-bit integers, as ONNX's QuantizeLinear does.

    ``round(value / scale) + zero_point``, halves to even, saturated.
    """

    dtype: Literal["int8", "uint8"]
    scale: float
    zero_point: int


class NativeLogMel:
    """A front end executed by the native kernel. Calls are safe from several threads.

    Args:
        program: the front end, see `tinyalm.frontend.program`.
        level: one of `levels`, by default the best.
        output: 8-bit integers instead of float32.

    Raises:
        MissingExtraError: the kernel is not in this installation.
        BundleError: ``program`` is damaged.
        ConfigError: this processor does not have ``level``, or ``output`` is out of range.
    """

    def __init__(
        self, program: bytes, *, level: str | None = None, output: Quantization | None = None
    ) -> None:
        if level is not None and level not in levels():
            raise ConfigError(
                f"level {level!r} is not one of this machine's: {', '.join(levels())}"
            )
        self._settings = program, LEVELS[level] if level else 0, output
        first = _Handle(*self._settings)
        self._idle = [first]  # handles serve one call at a time
        self.level = first.level

    def __call__(self, waveform: NDArray[Any]) -> NDArray[Any]:
        """The log-mel of a whole recording.

        Args:
            waveform: (samples,) float32 within -1 and 1, or int16, at the front end's rate.

        Returns:
            (frames, n_mels) float32, or the 8-bit integers that were asked for.

        Raises:
            ConfigError: ``waveform`` has another shape or dtype.
        """
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = _Handle(*self._settings)
        try:
            return handle.run(waveform)
        finally:
            self._idle.append(handle)

    def stream(self, *, at_once: bool = False) -> "NativeStream":
        """Begin a stream.

        Args:
            at_once: answer every push with all frames that are complete. By default frames are
                computed by tiles, and up to seven wait for the next ones, which is several times
                cheaper for short pushes.

        Raises:
            ConfigError: the front end needs the whole recording (``top_db``).
        """
        handle = _Handle(*self._settings)
        if not handle.streamable:
            raise ConfigError("a front end with top_db needs the whole recording and cannot stream")
        return NativeStream(handle, at_once)


class NativeStream:
    """Samples of any number in, log-mel frames out: together those of the whole, bit for bit.

    For one thread at a time; made by `NativeLogMel.stream`.
    """

    def __init__(self, handle: "_Handle", at_once: bool) -> None:
        self._handle, self._at_once = handle, at_once

    def push(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take (samples,) float32 or int16; answer with the (frames, n_mels) that are ready.

        Raises:
            ConfigError: ``samples`` has another shape or dtype.
        """
        return self._handle.push(samples, self._at_once)

    def flush(self) -> NDArray[Any]:
        """End the stream; answer with the (frames, n_mels) that are left."""
        return self._handle.flush()


class _Handle:
    """A tinyalm_logmel of the C interface, freed with this object."""

    def __init__(self, program: bytes, level: int, output: Quantization | None) -> None:
        self._pointer = ctypes.c_void_p()
        self._c = library()
        message = ctypes.create_string_buffer(200)
        status = self._c.tinyalm_logmel_create(
            program, len(program), level, ctypes.byref(self._pointer), message, len(message)
        )
        if status:
            raise BundleError(f"front end: {message.value.decode()}; export the bundle again")
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        if output is not None:
            self._dtype = np.dtype(output.dtype)
            self._check(
                self._c.tinyalm_logmel_set_output(
                    self._pointer, TYPES[output.dtype], output.scale, output.zero_point
                )
            )
        info = Info()
        self._c.tinyalm_logmel_describe(self._pointer, ctypes.byref(info))
        self._n_mels = info.n_mels
        self.streamable = bool(info.streamable)
        self.level = next(name for name, number in LEVELS.items() if number == info.level)
        self._written = ctypes.c_size_t()

    def __del__(self) -> None:
        if self._pointer:
            self._c.tinyalm_logmel_destroy(self._pointer)

    def run(self, waveform: NDArray[Any]) -> NDArray[Any]:
        samples = _samples(waveform)
        frames = self._c.tinyalm_logmel_frames(self._pointer, samples.size)
        return self._filled(frames, self._c.tinyalm_logmel_run, *_pointed(samples))

    def push(self, waveform: NDArray[Any], at_once: bool) -> NDArray[Any]:
        samples = _samples(waveform)
        frames = self._c.tinyalm_logmel_ready(self._pointer, samples.size, at_once)
        return self._filled(frames, self._c.tinyalm_logmel_push, *_pointed(samples), at_once)

    def flush(self) -> NDArray[Any]:
        frames = self._c.tinyalm_logmel_rest(self._pointer)
        return self._filled(frames, self._c.tinyalm_logmel_flush)

    def _filled(self, frames: int, call: Callable[..., int], *arguments: int) -> NDArray[Any]:
        out = np.empty((frames, self._n_mels), self._dtype)
        written = ctypes.byref(self._written)
        self._check(call(self._pointer, *arguments, out.ctypes.data, frames, written))
        return out

    def _check(self, status: int) -> None:
        if status:
            why = self._c.tinyalm_logmel_last_error(self._pointer).decode()
            raise ConfigError(f"front end: {why}")


def _samples(waveform: NDArray[Any]) -> NDArray[Any]:
    """``waveform`` as the kernel reads it, copied only where it lies otherwise in memory."""
    if waveform.ndim != 1 or waveform.dtype.name not in ("float32", "int16"):
        raise ConfigError(
            f"samples of shape {waveform.shape} and dtype {waveform.dtype}; the front end takes "
            "one channel of float32 or int16"
        )
    native = np.dtype(waveform.dtype.name)  # the machine's byte order
    return np.require(waveform, native, ["C_CONTIGUOUS", "ALIGNED"])


def _pointed(samples: NDArray[Any]) -> tuple[int, int, int]:
    return samples.ctypes.data, TYPES[samples.dtype.name], samples.size
