"""The protocol of front-end kernels, which execute a `program`, and how one is found."""

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError
from tinyalm.plugins import plugin

KERNELS = "tinyalm.kernels"  # the group of entry points


class LogMelStream(Protocol):
    """One stream of samples; for one thread at a time."""

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Take samples of any number, answer with the frames that they complete."""
        ...

    def flush(self) -> NDArray[np.float32]:
        """End the stream, answer with the frames that are left."""
        ...


class LogMelKernel(Protocol):
    """A front end made ready. Calls are safe from several threads and release the GIL."""

    level: str

    def __call__(self, waveform: NDArray[Any]) -> NDArray[np.float32]:
        """Waveform (samples,), float32 or int16, to log-mel (frames, n_mels)."""
        ...

    def stream(self, *, at_once: bool = False) -> LogMelStream:
        """Begin a stream, whose frames together are those of the whole recording, bit for bit."""
        ...


def kernel(program: bytes, name: str = "native") -> LogMelKernel:
    """The kernel registered as ``name`` among the entry points `KERNELS`, for a front end.

    Args:
        program: the front end, see `tinyalm.frontend.program`.
        name: of the entry point.

    Raises:
        MissingExtraError: the kernel is not in this installation or cannot be loaded.
        BundleError: ``program`` is damaged.
    """
    found = plugin(KERNELS, name)
    if found is None:
        raise MissingExtraError(f"no front-end kernel named {name!r} is installed")
    return cast("Callable[[bytes], LogMelKernel]", found.load())(program)
