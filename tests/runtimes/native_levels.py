"""The native kernel at every level of this machine."""

from functools import lru_cache

import numpy as np
import pytest

from tinyalm.frontend import LogMelSpec, log_mel, program
from tinyalm_runtimes.native_library import LIBRARY, levels
from tinyalm_runtimes.native_log_mel import NativeLogMel

LEVELS = levels() if LIBRARY.is_file() else ()
needs_kernel = pytest.mark.skipif(
    not LEVELS, reason="the native kernel is not in this installation"
)


@lru_cache(maxsize=32)
def kernels(spec: LogMelSpec) -> tuple[NativeLogMel, ...]:
    """``spec`` made ready at all `LEVELS`."""
    return tuple(NativeLogMel(program(spec), level=level) for level in LEVELS)


def worst_error(waveform: np.ndarray, spec: LogMelSpec) -> float:
    """Largest difference of any level from the reference, in units of the natural logarithm."""
    expected = log_mel(waveform, spec)
    worst = 0.0
    for kernel in kernels(spec):
        found = kernel(waveform)
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        difference = np.abs(found - expected).max(initial=0.0)
        worst = max(worst, float(difference * spec.std / spec.log_unit))
    return worst


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal bit for bit."""
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
