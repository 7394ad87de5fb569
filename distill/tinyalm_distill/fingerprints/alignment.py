"""Whether two recordings are the same where they overlap: the correlation of their waveforms.

Encoding, resampling, trimming and amplifying leave the waveform much as it was; two takes of a
sound, or two sounds of a kind, share no phases however alike they sound. Spectra are flattened
first, since every dull thud is much like any other below 300 Hz.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm_distill.fingerprints.landmarks import HOP, RATE

SAME = 0.72  # correlation from which on recordings are the same: 99 in 100 copies at 32 kbit/s
# A drum or bell that is struck twice rings alike, its noise differs: where there is no more than a
# strike to compare, the correlations of bands must reach this in the mean, however faint a band is.
_SAME_BANDS = 0.81
_STRIKE = round(1.5 * RATE)
_BANDS = ((60, 250), (250, 500), (500, 1000), (1000, 2000), (2000, 3800))  # Hz
_HEARD = 0.01  # of the energy of either: a band with less than that says nothing
_FLATTEN = 0.5  # exponent by which magnitudes are divided
_NEAR = 3 * HOP  # samples around the offset of landmarks in which the best one is looked for
_LONGEST = 20 * RATE  # samples that are compared
_SHORTEST = RATE // 20
_FINER = 4  # steps of the offset in a sample: sounds above 1 kHz turn within one


class Alignment(NamedTuple):
    """How two recordings lie to each other.

    Attributes:
        offset_s: seconds from the beginning of the first to that of the second.
        score: correlation where both are, 0 to 1; of either sign in truth, a sign is inaudible.
        same: whether they are the same recording there.
    """

    offset_s: float
    score: float
    same: bool


def align(first: NDArray[np.float32], second: NDArray[np.float32], offset: int) -> Alignment:
    """Compare two waveforms at `RATE` that may be the same at about an offset.

    Args:
        first: (samples,).
        second: likewise.
        offset: samples from the beginning of ``first`` to that of ``second``.
    """
    start, stop = max(0, offset), min(len(first), offset + len(second))
    if stop - start < _SHORTEST:
        return Alignment(offset / RATE, 0.0, same=False)
    start = max(start, (start + stop - _LONGEST) // 2)
    stop = min(stop, start + _LONGEST)
    a = _flattened(first[start:stop])
    # The second one reaches further, so that it can be moved to and fro.
    from_b = start - offset - _NEAR
    b = _flattened(second[max(0, from_b) : stop - offset + _NEAR])
    lead = _NEAR + min(0, from_b)
    size = 1 << int(len(a) + len(b)).bit_length()
    product = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    matched = np.fft.irfft(product, size * _FINER) * _FINER
    steps = np.arange(-_NEAR * _FINER, _NEAR * _FINER + 1)
    moved = np.floor_divide(steps, _FINER) + lead  # sample of b at which a would begin
    energy = np.concatenate([[0.0], np.cumsum(b.astype(np.float64) ** 2)])
    begin, end = np.clip(moved, 0, len(b)), np.clip(moved + len(a), 0, len(b))
    level = np.sqrt(float(np.sum(a.astype(np.float64) ** 2)) * (energy[end] - energy[begin]))
    score = np.abs(matched[steps + lead * _FINER]) / np.maximum(level, 1e-9)
    best = int(np.argmax(score))
    offset_s = (offset - steps[best] / _FINER) / RATE
    same = score[best] >= SAME and (
        len(a) >= _STRIKE or _bands(first, second, offset_s * RATE) >= _SAME_BANDS
    )
    return Alignment(offset_s, min(1.0, float(score[best])), bool(same))


def _bands(first: NDArray[np.float32], second: NDArray[np.float32], offset: float) -> float:
    """Mean correlation of bands, where both are; ``offset`` as of `align`, but exact."""
    whole = round(offset)
    start, stop = max(0, whole), min(len(first), whole + len(second))
    a = np.fft.rfft(_flattened(first[start:stop]))
    b = np.fft.rfft(_flattened(second[start - whole : stop - whole]))
    hz = np.fft.rfftfreq(stop - start, 1 / RATE)
    product = a * np.conj(b * np.exp(2j * np.pi * hz * (whole - offset) / RATE))
    energy = np.stack([np.abs(a) ** 2, np.abs(b) ** 2])
    edges = np.searchsorted(hz, _BANDS)
    agreed = []
    for low, high in edges:
        each = energy[:, low:high].sum(axis=1)
        if (each >= _HEARD * energy.sum(axis=1)).any():
            agreed.append(float(product[low:high].real.sum()) / max(1e-12, np.sqrt(each.prod())))
    return abs(float(np.mean(agreed))) if agreed else 0.0


def _flattened(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """A waveform whose spectrum has half the range in decibels."""
    spectrum = np.fft.rfft(part)
    level = np.abs(spectrum)
    spectrum /= np.maximum(level, 1e-4 * float(level.max()) + 1e-12) ** _FLATTEN
    return np.asarray(np.fft.irfft(spectrum, len(part)), np.float32)
