"""A windowed DFT in standard ONNX operators: two matrix products in float64.

Float32 loses the quiet bands beside a loud one, and ONNX's own DFT is an operator that few engines
have. With ``n_fft = outer * inner``, sample ``n = inner * i + j``, bin ``k = r + outer * s`` and
``e`` the unit circle by turns (Cooley and Tukey 1965)::

    X[k] = sum over j of e(j * k / n_fft) * (sum over i of e(i * r / outer) * x[inner * i + j])

which for 512 points is a sixth of the products that one matrix takes. The sign of the angles is
free, since only magnitudes are wanted, and r up to ``outer // 2`` is enough for real samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec, mel_filters, window
from tinyalm_export.graph_text import Constants, ints


@dataclass(frozen=True)
class Split:
    """The two steps of the DFT of a front end.

    Attributes:
        spec: the front end.
        outer: points of the first step, a divisor of ``n_fft``.
    """

    spec: LogMelSpec
    outer: int

    @property
    def inner(self) -> int:
        """Points of the second step."""
        return self.spec.n_fft // self.outer

    @property
    def columns(self) -> int:
        """Points of the first step that the window reaches."""
        return -(-self.spec.win_length // self.inner)

    @property
    def rows(self) -> int:
        """Samples of a frame that are read; those behind the window are weighed with 0."""
        return self.columns * self.inner

    @property
    def residues(self) -> int:
        """Residues ``k % outer`` that are computed."""
        return self.outer // 2 + 1

    @cached_property
    def found_at(self) -> NDArray[np.int64]:
        """(used bins,): the bin of the spectrum that each used bin is computed as.

        Bins ``k`` and ``n_fft - k`` have the same magnitude; one of them has a residue that is
        computed.
        """
        bins = used_bins(self.spec)
        return np.where(bins % self.outer < self.residues, bins, self.spec.n_fft - bins)

    @cached_property
    def turns(self) -> NDArray[np.int64]:
        """Values of ``k // outer`` that are computed, ascending."""
        return np.unique(self.found_at // self.outer)

    @property
    def bins(self) -> int:
        """Bins that are computed, used or not."""
        return self.residues * len(self.turns)

    @property
    def positions(self) -> NDArray[np.int64]:
        """(used bins,): where in the computed spectrum each of them is."""
        turn = np.searchsorted(self.turns, self.found_at // self.outer)
        return self.found_at % self.outer * len(self.turns) + turn

    @property
    def products(self) -> int:
        """Multiplications a frame."""
        return 2 * self.residues * self.rows + 4 * self.bins * self.inner


def cheapest_split(spec: LogMelSpec) -> Split:
    """The split with the fewest products."""
    divisors = [size for size in range(1, spec.n_fft + 1) if spec.n_fft % size == 0]
    return min((Split(spec, outer) for outer in divisors), key=lambda split: split.products)


def used_bins(spec: LogMelSpec) -> NDArray[np.int64]:
    """Indices of the DFT bins between the first and the last that any band weighs.

    Raises:
        ExportError: there is none.
    """
    used = np.flatnonzero(mel_filters(spec).any(axis=1))
    if not used.size:
        raise ExportError(
            f"no bin of a {spec.n_fft}-point DFT at {spec.sample_rate} Hz lies between "
            f"{spec.f_min:g} and {spec.f_max:g} Hz; widen the front end's bands or raise n_fft"
        )
    return np.arange(used[0], used[-1] + 1)


def spectrum(split: Split, constants: Constants) -> Iterator[str]:
    """``frames`` (batch, rows, frames) float64 to ``spectrum`` (batch, bins, frames) float32.

    The spectrum is magnitude or power. Its rounding to float32 comes after the sums that cancel.
    """
    spec = split.spec
    weights = np.zeros((split.rows, 1))
    weights[: spec.win_length, 0] = window(spec) / (32767 if spec.round_int16 else 1)
    turns = len(split.turns)
    constants |= {
        "window": weights,
        "by_column": ints(0, split.columns, -1),
        "by_residue": ints(0, split.residues, 2 * split.inner, -1),
        "by_part": ints(0, split.residues, 2, turns, -1),
        "by_bin": ints(0, split.bins, -1),
    }
    yield from _tables(split, constants)
    yield "weighted = Mul(frames, window)"
    yield "columns = Reshape(weighted, by_column)"
    yield "first_sums = MatMul(first_table, columns)"
    yield "residues = Reshape(first_sums, by_residue)"
    yield "second_sums = MatMul(second_table, residues)"
    yield "parts = Reshape(second_sums, by_part)"
    yield "rounded = Cast<to = 1>(parts)"
    yield "squares = Mul(rounded, rounded)"
    yield "real_power, imaginary_power = Split<axis = 2, num_outputs = 2>(squares)"
    yield "power = Add(real_power, imaginary_power)"
    if spec.power == 1:
        yield "magnitude = Sqrt(power)"
    yield f"spectrum = Reshape({'magnitude' if spec.power == 1 else 'power'}, by_bin)"


def _tables(split: Split, constants: Constants) -> Iterator[str]:
    """The matrices of both steps, gathered from one period of a cosine and of a sine.

    A complex number is its real and its imaginary part, one after the other; multiplying it by
    another is then the matrix ((cos, -sin), (sin, cos)).
    """
    period = split.spec.n_fft
    angle = 2 * np.pi * np.arange(period) / period
    residues = np.arange(split.residues)
    cosine, sine = 0, period  # where they begin among the waves
    signs = np.array([[1, -1], [1, 1]])  # of the angle, for -sin
    constants |= {
        "waves": np.concatenate([np.cos(angle), np.sin(angle)]),
        "period": ints(period),
        "first_residues": residues[:, None, None],
        "first_steps": split.inner * np.arange(split.columns),
        "first_waves": np.array([[cosine], [sine]]),
        "first_shape": ints(2 * split.residues, split.columns),
        "second_residues": residues[:, None, None, None, None],
        "second_turns": split.outer * split.turns[:, None, None],
        "second_steps": signs[:, None, :, None] * np.arange(split.inner),
        "second_waves": np.array([[cosine, sine], [sine, cosine]])[:, None, :, None],
        "second_shape": ints(split.residues, 2 * len(split.turns), 2 * split.inner),
    }
    yield "second_bins = Add(second_residues, second_turns)"
    for step, factor in (("first", "first_residues"), ("second", "second_bins")):
        yield f"{step}_phases = Mul({factor}, {step}_steps)"
        yield f"{step}_angles = Mod({step}_phases, period)"
        yield f"{step}_places = Add({step}_angles, {step}_waves)"
        yield f"{step}_values = Gather(waves, {step}_places)"
        yield f"{step}_table = Reshape({step}_values, {step}_shape)"
