"""Sound at the rate that a teacher hears."""

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio.resampling import Resampler


def at_rate(waveform: NDArray[np.float32], given: int, wanted: int) -> NDArray[np.float32]:
    """A sound, (samples,) float32 at ``given`` Hz, at ``wanted`` Hz; resampled as files are."""
    if given == wanted:
        return waveform
    resampler = Resampler(given, wanted)
    return np.concatenate([resampler.push(waveform), resampler.finish()])
