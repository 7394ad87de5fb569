"""The fastest execution of a front end that this installation has."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import MissingExtraError
from tinyalm.frontend import LogMelSpec, log_mel, program
from tinyalm.frontend.kernel import kernel

FrontEnd = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def front_end_of(spec: LogMelSpec) -> FrontEnd:
    """Waveform (samples,) to log-mel (frames, n_mels): the native kernel, or else the reference."""
    try:
        return kernel(program(spec))
    except MissingExtraError:
        return lambda waveform: log_mel(waveform, spec).astype(np.float32)
