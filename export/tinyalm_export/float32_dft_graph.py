"""A windowed DFT for engines that have no float64: two products of float32 matrices.

One product loses what lies 140 dB below the loudest bin, since its sums are rounded to 24 bits. So
samples and table are each cut into a high part of few bits and the rest, as Ozaki et al. do
(Numerical Algorithms 59, 2012)::

    X = T x = T_high x_high + (T_low x_high + T x_low)

The bits of the high parts are so few that the first product is exact in float32, in whatever order
it is summed; the other is smaller by as many bits as a high part has, and so is its rounding.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec, window
from tinyalm_export.dft_graph import used_bins
from tinyalm_export.graph_text import Constants, ints

_MANTISSA = 24  # bits of float32


def float32_spectrum(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """``frames`` (batch, win_length, frames) to ``spectrum`` (batch, used bins, frames), float32.

    Samples within -1 and 1 are meant; louder ones are computed, but less exactly. The spectrum is
    magnitude or power.
    """
    table = _table(spec)
    bits = _MANTISSA - int(np.ceil(np.log2(spec.win_length)))
    step = np.exp2(bits // 2 - bits)  # of the samples; the table has the other half of the bits
    high = np.rint(table * np.exp2(bits // 2)) * np.exp2(-(bits // 2))
    constants |= {
        "table_high": high.astype(np.float32),
        "table_rest": np.concatenate([table - high, table], axis=1).astype(np.float32),
        "per_step": np.array(1 / step, np.float32),
        "sample_step": np.array(step, np.float32),
        "by_part": ints(0, 2, len(table) // 2, -1),
    }
    frames = "frames"
    if spec.round_int16:
        constants["int16_unit"] = np.array(2.0**-15, np.float32)
        yield "unit_frames = Mul(frames, int16_unit)"
        frames = "unit_frames"
    yield f"in_steps = Mul({frames}, per_step)"
    yield "whole_steps = Round(in_steps)"
    yield "frames_high = Mul(whole_steps, sample_step)"
    yield f"frames_low = Sub({frames}, frames_high)"
    yield "both = Concat<axis = 1>(frames_high, frames_low)"
    yield "sums_high = MatMul(table_high, frames_high)"
    yield "sums_rest = MatMul(table_rest, both)"
    yield "sums = Add(sums_high, sums_rest)"
    yield "parts = Reshape(sums, by_part)"
    yield "squares = Mul(parts, parts)"
    constants["part"] = ints(1)
    name = "power" if spec.power == 1 else "spectrum"
    yield f"{name} = ReduceSum<keepdims = 0>(squares, part)"
    if spec.power == 1:
        yield "spectrum = Sqrt(power)"


def _table(spec: LogMelSpec) -> NDArray[np.float64]:
    """(2 used bins, win_length): window and DFT in one matrix, all real parts, then the others."""
    # int16 samples are divided by 32768, a power of two, and the spec divides them by 32767.
    weights = window(spec) * (32768 / 32767 if spec.round_int16 else 1)
    times = np.arange(spec.win_length)
    angles = 2 * np.pi * (np.outer(used_bins(spec), times) % spec.n_fft) / spec.n_fft
    return np.concatenate([np.cos(angles), np.sin(angles)]) * weights
