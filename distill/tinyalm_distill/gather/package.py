"""One package from its download to its clips."""

import hashlib
import io
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event

import numpy as np
import soundfile
from numpy.typing import NDArray

from tinyalm.errors import AudioError
from tinyalm_distill.gather.choice import LIMITS, LONG_S, kind_of, ordered
from tinyalm_distill.gather.clips import Sound, decode, excerpts
from tinyalm_distill.gather.deb import Member, unpack
from tinyalm_distill.gather.left_out import LeftOut
from tinyalm_distill.gather.listing import Kind, Package
from tinyalm_distill.gather.mirror import download
from tinyalm_distill.gather.part import Part, Row
from tinyalm_distill.gather.patterns import pattern


def gather_package(
    package: Package,
    mirrors: Sequence[str],
    left_out: LeftOut,
    folder: Path,
    work: Path,
    stop: Event,
) -> Part:
    """Download a package and write its clips into ``folder``.

    Of a reserved package nothing is written; its part has the patterns only.

    Args:
        package: what to gather.
        mirrors: see `download`.
        left_out: what must not be gathered.
        folder: where the clips go.
        work: a folder for what is needed meanwhile.
        stop: set from another thread to call the work off.

    Raises:
        FetchError: the package cannot be had.
        DataError: it cannot be read.
        OSError: ``folder`` or ``work`` cannot be written.
        CancelledError: ``stop`` was set.
    """
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        deb = Path(temporary) / "package.deb"
        download(package, mirrors, deb)
        spool = Path(temporary) / "spool"
        spool.mkdir()
        members = unpack(deb, spool)
        deb.unlink()
        gathered = _Gathered(package, left_out, folder)
        for member in ordered(package.name, members):
            if stop.is_set():
                raise CancelledError
            gathered.take(member)
            member.path.unlink()
    return gathered.part


class _Gathered:
    """What a package has given so far."""

    def __init__(self, package: Package, left_out: LeftOut, folder: Path) -> None:
        self._package, self._left_out, self._folder = package, left_out, folder
        self._clips: Counter[Kind] = Counter()
        self._seconds: defaultdict[Kind, float] = defaultdict(float)
        self._files: set[str] = set()
        self.part = Part()

    def take(self, member: Member) -> None:
        """Take the clips of a recording, unless its kind has given enough."""
        counts = self.part.counts
        kind = kind_of(member.name, self._package.kind)
        counts.recordings += 1
        if self._full(kind):
            return
        if self._left_out.named(self._package.name, member.name):
            counts.left_out += 1
            return
        try:
            sound = decode(member.path)
        except AudioError:
            counts.damaged += 1
            return
        if kind == "effects" and sound.seconds > LONG_S:
            kind = "music"
        clips = list(excerpts(sound, LIMITS[kind].excerpts))
        counts.silent += not clips
        patterns = [pattern(clip.samples, clip.rate) for clip in clips]
        if any(map(self._left_out.holds, patterns)):
            counts.left_out += 1
            return
        for clip, mel in zip(clips, patterns, strict=True):
            if not self._full(kind):
                self._keep(clip, kind, mel)

    def _keep(self, clip: Sound, kind: Kind, mel: NDArray[np.float32]) -> None:
        samples = np.clip(np.rint(clip.samples * 32768), -32768, 32767).astype(np.int16)
        content = hashlib.sha256(samples.tobytes()).hexdigest()[:12]
        file = f"{self._package.name}__{content}.flac"
        if file in self._files:
            return
        if self._package.kind != "reserved":
            flac = io.BytesIO()  # since libsndfile does not tell a full disk from other trouble
            soundfile.write(flac, samples, clip.rate, "PCM_16", format="FLAC")
            (self._folder / file).write_bytes(flac.getbuffer())
        self._files.add(file)
        self._clips[kind] += 1
        self._seconds[kind] += clip.seconds
        self.part.rows.append(Row(file, round(clip.seconds, 2), kind))
        self.part.patterns.append(mel)

    def _full(self, kind: Kind) -> bool:
        limit = LIMITS[kind]
        return self._clips[kind] >= limit.clips or self._seconds[kind] >= limit.seconds
