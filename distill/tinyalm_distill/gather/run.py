"""`gather`: every package of a list, what equals each other once, and the manifest.

FOLDER/manifest.csv       the clips; written at the end, complete or not at all
FOLDER/SOURCE__HASH.flac  a clip
FOLDER/.parts/            what each finished package gave; an interrupted run goes on from there
"""

import csv
import errno
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import DataError, FetchError
from tinyalm_distill.gather.left_out import LeftOut, identity, pattern_of
from tinyalm_distill.gather.listing import Listing, Package
from tinyalm_distill.gather.package import gather_package
from tinyalm_distill.gather.part import Counts, Part, Row, load
from tinyalm_distill.gather.patterns import Known
from tinyalm_distill.manifest import Clip
from tinyalm_distill.progress import bar
from tinyalm_distill.workspace import workspace

_CLIP_FILE = re.compile(r"[a-z0-9+.-]+__[0-9a-f]{12}\.flac")
_VERSION = "1"  # of how clips are made: another one makes all parts anew
_COLUMNS = ("file", "duration_s", "source", "licence", "split")


class Gathered(Struct, frozen=True):
    """What a run ended with.

    Attributes:
        seconds: of sound by kind.
        clips: how many by kind.
        counts: of the recordings of all packages.
        alike: clips that were dropped because another one is the same.
        failures: one line for each package that could not be had or read.
    """

    seconds: dict[str, float]
    clips: dict[str, int]
    counts: Counts
    alike: int
    failures: list[str]


def gather(
    listing: Listing,
    folder: Path,
    left_out: Sequence[Clip],
    *,
    jobs: int,
    say: Callable[[str], None],
) -> Gathered:
    """Gather the packages of a list into ``folder``.

    Args:
        listing: the packages.
        folder: made if it is not there; one that an interrupted run left is gone on with.
        left_out: clips that must not be gathered, see `LeftOut`.
        jobs: packages at a time.
        say: told if another run has to end first.

    Raises:
        DataError: a clip of ``left_out`` cannot be read, ``folder`` cannot be written, or the
            disk is full.
        FetchError: a reserved package cannot be had: what equals its sounds would be gathered.
    """
    try:
        with workspace(
            folder / ".parts", lambda: say(f"{folder}: another run is at work; waiting for it")
        ) as work:
            return _Run(listing, folder, work, jobs).run(left_out)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"{folder}: the disk is full; make room and run the command again, which goes on"
            ) from None
        raise DataError(f"{folder}: cannot be written ({error.strerror or error})") from None


class _Run:
    """One run: where it works, and what it has met."""

    def __init__(self, listing: Listing, folder: Path, work: Path, jobs: int) -> None:
        self._listing, self._folder, self._work, self._jobs = listing, folder, work, jobs
        self._failures: list[str] = []

    def run(self, clips: Sequence[Clip]) -> Gathered:
        """See `gather`."""
        reserved = [p for p in self._listing.packages if p.kind == "reserved"]
        wanted = [p for p in self._listing.packages if p.kind != "reserved"]
        content = _digest(_VERSION, identity(clips))
        key = _digest(content, [p.sha256 for p in reserved])
        known = [self._patterns_of(clips, content)]
        known += self._gather("reserved packages", reserved, LeftOut([], []), _VERSION).values()
        if self._failures:
            raise FetchError(f"reserved, so nothing is gathered without it: {self._failures[0]}")
        left_out = LeftOut(clips, [mel for part in known for mel in part.patterns])
        return self._finish(self._gather("packages", wanted, left_out, key))

    def _patterns_of(self, clips: Sequence[Clip], content: str) -> Part:
        """The patterns of clips that must not be gathered, kept between runs."""
        path = self._folder / ".parts" / f"left-out-{content}.npz"
        part = load(path)
        if part is None:
            part = Part()
            with ThreadPoolExecutor(self._jobs) as pool, bar("clips to leave out") as progress:
                for done, mel in enumerate(pool.map(pattern_of, clips), start=1):
                    part.patterns.append(mel)
                    progress(done, len(clips))
            part.save(path)
        return part

    def _gather(
        self, step: str, packages: Sequence[Package], left_out: LeftOut, key: str
    ) -> dict[Package, Part]:
        """The parts of packages, in their order, without those that cannot be had."""
        stop, parts = Event(), {}
        with ThreadPoolExecutor(self._jobs) as pool, bar(step) as progress:
            jobs = {pool.submit(self._part, p, left_out, key, stop): p for p in packages}
            try:
                for done, job in enumerate(as_completed(jobs), start=1):
                    package = jobs[job]
                    try:
                        parts[package] = job.result()
                    except (FetchError, DataError) as error:
                        self._failures.append(f"{package.name}: {error}")
                    hours = sum(row.duration_s for part in parts.values() for row in part.rows)
                    progress(done, len(packages), f"{hours / 3600:.1f} h")
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return {package: parts[package] for package in packages if package in parts}

    def _part(self, package: Package, left_out: LeftOut, key: str, stop: Event) -> Part:
        path = (
            self._folder
            / ".parts"
            / f"{package.name}-{_digest(key, package.sha256, package.kind)}.npz"
        )
        part = load(path)
        if part is None:
            mirrors = self._listing.mirrors
            part = gather_package(package, mirrors, left_out, self._folder, self._work, stop)
            part.save(path)
        return part

    def _finish(self, parts: dict[Package, Part]) -> Gathered:
        """Drop what equals an earlier clip, write the manifest, and remove other clips."""
        mels = [mel for part in parts.values() for mel in part.patterns]
        keep = _unlike(mels)
        rows = [(package, row) for package, part in parts.items() for row in part.rows]
        kept = [r for r, new in zip(rows, keep, strict=True) if new and self._has(r[1].file)]
        fresh = self._folder / ".parts" / "manifest.tmp"
        with fresh.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for package, row in kept:
                licence = package.licence
                table.writerow([row.file, row.duration_s, package.name, licence, "train"])
        fresh.replace(self._folder / "manifest.csv")
        named = {row.file for _, row in kept}
        for path in self._folder.glob("*.flac"):
            if path.name not in named and _CLIP_FILE.fullmatch(path.name):
                path.unlink()
        return self._sum(parts, [row for _, row in kept], len(rows) - len(kept))

    def _has(self, file: str) -> bool:
        return (self._folder / file).is_file()

    def _sum(self, parts: dict[Package, Part], kept: list[Row], alike: int) -> Gathered:
        seconds: defaultdict[str, float] = defaultdict(float)
        for row in kept:
            seconds[row.kind] += row.duration_s
        counts = [part.counts for part in parts.values()]
        return Gathered(
            seconds=dict(seconds),
            clips=Counter(row.kind for row in kept),
            counts=Counts(
                recordings=sum(c.recordings for c in counts),
                damaged=sum(c.damaged for c in counts),
                silent=sum(c.silent for c in counts),
                left_out=sum(c.left_out for c in counts),
            ),
            alike=alike,
            failures=self._failures,
        )


def _digest(*values: object) -> str:
    """A short name for what a part depends on."""
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()[:12]


def _unlike(patterns: Sequence[NDArray[np.float32]]) -> list[bool]:
    """Tell of each pattern whether it is new, after those before it."""
    known, new = Known([], room=len(patterns)), []
    with bar("compare clips") as progress:
        for done, mel in enumerate(patterns, start=1):
            new.append(not known.holds(mel))
            if new[-1]:
                known.add(mel)
            progress(done, len(patterns))
    return new
