"""Duplicates between two lists of clips, or within one: candidates by landmarks, then compared."""

import os
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from threading import Lock

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import AudioError
from tinyalm_distill.fingerprints.alignment import align
from tinyalm_distill.fingerprints.index import Candidate, Index
from tinyalm_distill.fingerprints.landmarks import HOP
from tinyalm_distill.fingerprints.store import Fingerprint, fingerprints, waveform
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar

_HELD = 1 << 26  # samples of recordings that are kept decoded: 256 MiB


class Duplicate(Struct, frozen=True, order=True):
    """Two clips that hold the same sound.

    Attributes:
        first: number of the one that was looked for.
        second: number of the one that it was found in.
        offset_s: seconds from the beginning of the first to that of the second.
        score: correlation of their waveforms where both are, 0.72 to 1.
    """

    first: int
    second: int
    offset_s: float
    score: float


class Comparison(Struct, frozen=True):
    """What came of a comparison.

    Attributes:
        duplicates: by first and second clip, each pair once.
        skipped: clips that cannot be read, with the reason.
        plain: how many clips are too short or too even to be told from others, unless they are
            the same sample by sample.
    """

    duplicates: list[Duplicate]
    skipped: list[str]
    plain: int


def find_duplicates(
    clips: Sequence[Clip], others: Sequence[Clip] | None, cache: Path
) -> Comparison:
    """Find clips that hold the same sound as others.

    Args:
        clips: what is looked for, one after the other.
        others: what it is looked for in, all of which is held in memory, 15 MB an hour; None for
            the clips themselves.
        cache: folder of the fingerprints.

    Raises:
        DataError: the cache cannot be used.
    """
    with bar("fingerprints") as progress:
        prints = fingerprints(clips, cache, progress=progress)
    if others is None:
        known = prints
    else:
        with bar("fingerprints of others") as progress:
            known = fingerprints(others, cache, progress=progress)
    within = others is None
    same = _identical(prints, known, within=within)
    likely = _likely(prints, known, {(d.first, d.second) for d in same}, within=within)
    found = same + _compared(likely, clips, clips if others is None else others)
    read = prints if others is None else prints + known
    return Comparison(
        duplicates=sorted(found),
        skipped=[reason for reason in read if isinstance(reason, str)],
        plain=sum(isinstance(p, Fingerprint) and not len(p.landmarks.hashes) for p in read),
    )


def _identical(
    prints: Sequence[Fingerprint | str], known: Sequence[Fingerprint | str], *, within: bool
) -> list[Duplicate]:
    """Clips that are the same sample by sample, however plain."""
    places = defaultdict(list)
    for number, one in enumerate(known):
        if isinstance(one, Fingerprint):
            places[one.content].append(number)
    return [
        Duplicate(number, other, 0.0, 1.0)
        for number, one in enumerate(prints)
        if isinstance(one, Fingerprint)
        for other in places.get(one.content, ())
        if not within or number < other
    ]


def _likely(
    prints: Sequence[Fingerprint | str],
    known: Sequence[Fingerprint | str],
    settled: set[tuple[int, int]],
    *,
    within: bool,
) -> list[tuple[int, Candidate]]:
    """Pairs that share landmarks and are not settled yet, by their first clip."""
    numbers = [i for i, one in enumerate(known) if isinstance(one, Fingerprint)]
    index = Index([one.landmarks for one in known if isinstance(one, Fingerprint)])
    likely = []
    with bar("search") as progress:
        for number, one in enumerate(prints):
            if isinstance(one, Fingerprint):
                for candidate in index.candidates(one.landmarks):
                    other = numbers[candidate.recording]
                    if (number, other) not in settled and (not within or number < other):
                        likely.append((number, candidate._replace(recording=other)))
            progress(number + 1, len(prints))
    return likely


def _compared(
    likely: Sequence[tuple[int, Candidate]], clips: Sequence[Clip], others: Sequence[Clip]
) -> list[Duplicate]:
    """Those of the pairs whose waveforms are the same."""
    groups = [(n, [c for _, c in g]) for n, g in groupby(likely, key=lambda pair: pair[0])]
    held = _Held(others)

    def compare(group: tuple[int, list[Candidate]]) -> list[Duplicate]:
        number, candidates = group
        try:
            own = waveform(clips[number])
        except AudioError:  # changed since its fingerprint was made
            return []
        return [
            duplicate
            for other, tried in groupby(candidates, key=lambda candidate: candidate.recording)
            if (duplicate := _best(own, held[other], number, list(tried))) is not None
        ]

    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool, bar("compare") as progress:
        for done, duplicates in enumerate(pool.map(compare, groups), start=1):
            found += duplicates
            progress(done, len(groups))
    return found


def _best(
    own: NDArray[np.float32], other: NDArray[np.float32], number: int, tried: list[Candidate]
) -> Duplicate | None:
    """The first of the offsets, which come by shared landmarks, at which two waveforms agree."""
    for candidate in tried:
        # The index counts from the beginning of the other one.
        found = align(own, other, -candidate.offset * HOP)
        if found.same:
            return Duplicate(number, candidate.recording, found.offset_s, found.score)
    return None


class _Held:
    """Recordings, decoded when they are asked for; those asked for last are kept."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips = clips
        self._kept: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self._samples = 0
        self._lock = Lock()

    def __getitem__(self, number: int) -> NDArray[np.float32]:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        try:
            samples = waveform(self._clips[number])
        except AudioError:
            samples = np.zeros(0, np.float32)
        with self._lock:
            if number not in self._kept:
                self._kept[number] = samples
                self._samples += samples.size
            while self._samples > _HELD and len(self._kept) > 1:
                self._samples -= self._kept.popitem(last=False)[1].size
        return samples
