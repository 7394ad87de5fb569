"""An inverted index over landmarks: which recordings share many of them, at one offset."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm_distill.fingerprints.landmarks import HASHES, Landmarks

FEWEST, SHARE = 4, 0.02  # shared landmarks: so many, and of the recording with fewer of them
_OFFSETS = 3  # that are tried of two recordings: rhythms agree at several
_COMMON = 64  # a landmark in more places says nothing; in large indices, 30 times the average
_BIAS = 1 << 31


class Candidate(NamedTuple):
    """A recording of the index that may hold what was asked for.

    Attributes:
        recording: its number.
        offset: frames from its beginning to that of the recording that was asked for.
        shared: landmarks at this offset.
    """

    recording: int
    offset: int
    shared: int


class Index:
    """Landmarks of many recordings, eight bytes each.

    Args:
        recordings: at most 2**32 frames in all, which are 19,000 hours.
    """

    def __init__(self, recordings: Sequence[Landmarks]) -> None:
        self._counts = np.array([len(one.hashes) for one in recordings], np.int64)
        lengths = [int(one.frames.max(initial=0)) + 1 for one in recordings]
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        hashes = np.concatenate([np.zeros(0, np.uint32), *(one.hashes for one in recordings)])
        order = np.argsort(hashes, kind="stable")
        self._first = np.searchsorted(hashes[order], np.arange(HASHES + 1))
        places = [
            one.frames + np.uint32(start)
            for one, start in zip(recordings, self._starts, strict=False)
        ]
        self._places = np.concatenate([np.zeros(0, np.uint32), *places])[order]
        self._common = max(_COMMON, 30 * len(hashes) // HASHES)

    def candidates(self, asked: Landmarks) -> Iterator[Candidate]:
        """Recordings that share enough landmarks with this one, at most `_OFFSETS` offsets each.

        Yields:
            Candidates by recording, those with the most shared landmarks first.
        """
        recording, offset, shared = self._votes(asked)
        fewer = np.minimum(self._counts[recording], len(asked.hashes))
        enough = np.flatnonzero((shared >= FEWEST) & (shared >= SHARE * fewer))
        order = enough[np.lexsort((-shared[enough], recording[enough]))]
        before, given = -1, 0
        for number in order:
            given = given + 1 if recording[number] == before else 0
            before = int(recording[number])
            if given < _OFFSETS:
                yield Candidate(before, int(offset[number]), int(shared[number]))

    def _votes(
        self, asked: Landmarks
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Landmarks shared at each offset of each recording: recordings, offsets, counts."""
        start = self._first[asked.hashes]
        count = self._first[asked.hashes + 1] - start
        count[count > self._common] = 0
        total = int(count.sum())
        within = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        place = self._places[np.repeat(start, count) + within].astype(np.int64)
        recording = np.searchsorted(self._starts, place, "right") - 1
        offset = place - self._starts[recording] - np.repeat(asked.frames, count)
        key, shared = np.unique(recording << 32 | (offset + _BIAS), return_counts=True)
        # A sound that begins between two frames is found half at one offset, half at the next.
        following = np.zeros_like(shared)
        next_to = np.flatnonzero(np.diff(key) == 1)
        following[next_to] = shared[next_to + 1]
        return key >> 32, (key & 0xFFFFFFFF) - _BIAS, shared + following
