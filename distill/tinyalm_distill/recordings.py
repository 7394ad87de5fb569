"""Recordings, decoded once: clips as float32 at one rate, kept by the content of their files."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.cache import Key, Say, Store, Turns, ahead, in_groups, key_of
from tinyalm_distill.manifest import Clip

Progress = Callable[[int, int], None]  # done, of how many
Fresh = Callable[["Recordings"], None]

_GROUP = 256  # clips that are decoded before the teacher hears them, at most
_GROUPS = 16  # of few clips as many, so that it need not wait for long
_SHARD_SAMPLES = 1 << 24
_AHEAD_BYTES = 1 << 26  # of files that are decoded before they are needed
_NOTHING = bytes(16)  # the content of what has none


def unseen(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def unheard(_line: str) -> None:
    """A line that nobody reads."""


class Recordings:
    """The usable clips of a manifest, in its order; `waveform` maps them from disk.

    Attributes:
        clips: the usable ones.
        keys: of what they hold.
        skipped: files of the others, and why.
        sample_rate: Hz.
        name: of all that they hold together.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        keys: Sequence[Key],
        store: Store,
        sample_rate: int,
        skipped: Sequence[tuple[Path, str]] = (),
    ) -> None:
        """Hold ``clips`` whose samples are in ``store`` under ``keys``."""
        self.clips, self.keys, self.skipped = list(clips), list(keys), list(skipped)
        self.sample_rate, self._store = sample_rate, store
        self.name = key_of(*self.keys).hex()
        self._samples = store.column("samples", self.keys) if self.keys else np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.clips)

    def samples(self, clip: int) -> int:
        """Length of a clip in samples."""
        return int(self._samples[clip])

    def waveform(self, clip: int) -> NDArray[np.float32]:
        """A clip, (samples,) float32, read-only."""
        return self._store.piece(self.keys[clip])


def decode(
    clips: Sequence[Clip],
    sample_rate: int,
    cache: Path,
    *,
    progress: Progress = unseen,
    fresh: Fresh | None = None,
    say: Say = unheard,
) -> Recordings:
    """Decode all clips to mono at ``sample_rate``, or find them decoded in ``cache``.

    A file is known by its name, size and times of change, and where these are new, by what it
    holds: one that was changed is decoded again, one that was moved is not. Clips that cannot be
    decoded are skipped and listed.

    Args:
        clips: what to decode.
        sample_rate: Hz.
        cache: folder of all caches.
        progress: told of clips that are done.
        fresh: given clips as soon as they are decoded, while threads decode the next.
        say: told of what was repaired in the cache.

    Raises:
        DataError: none of the clips can be used.
    """
    decoder = _Decoder(clips, sample_rate, cache, say)
    decoder.run(progress, fresh)
    recordings = decoder.recordings()
    if not recordings.clips:
        first = recordings.skipped[0][1] if recordings.skipped else "there are none"
        raise DataError(f"none of the {len(clips)} clips can be used; the first: {first}")
    return recordings


class _Decoded(Struct, frozen=True):
    """What became of a clip: its content and samples, or the reason why it has none.

    Attributes:
        content: key of what its part of the file holds.
        waveform: (samples,) float32; None where the cache has it, or nobody can.
        reason: why the clip cannot be used; empty if it can.
    """

    content: Key = _NOTHING
    waveform: NDArray[np.float32] | None = None
    reason: str = ""


class _Decoder:
    """Decodes those clips of a list that the cache lacks."""

    def __init__(self, clips: Sequence[Clip], rate: int, cache: Path, say: Say) -> None:
        self._rate = rate
        self._audio = Store(cache / f"audio-{rate}", f"audio at {rate} Hz", say)
        self._known = Store(cache / f"clips-{rate}", f"clips at {rate} Hz", say)
        self._names = [_state(clip) for clip in clips]
        self._clips = dict(zip(self._names, clips, strict=True))
        parts = Counter(clip.file for clip in self._clips.values())
        self._several = {file for file, count in parts.items() if count > 1}
        self._hashes: dict[Path, bytes] = {}  # of those files
        self._changed: dict[Key, str] = {}  # clips that only this run skips

    def run(self, progress: Progress, fresh: Fresh | None) -> None:
        """Decode what is missing."""
        total, done = len(self._clips), len(self._clips) - len(self._missing(self._clips))
        if done == total:
            progress(total, total)
            return
        held: dict[Key, _Decoded] = {}
        samples = 0
        with Turns(self._known.folder) as turns:
            for (name, ended), decoded in ahead(
                self._work(turns),
                lambda item: self._decoded(item[0]),
                threads=os.cpu_count() or 1,
                room=_AHEAD_BYTES,
                weight=lambda item: _size(self._clips[item[0]].file),
            ):
                held[name] = decoded
                samples += 0 if decoded.waveform is None else decoded.waveform.size
                if ended or samples > _SHARD_SAMPLES:
                    self._keep(held, fresh)
                    done += len(held)
                    progress(done, total)
                    held, samples = {}, 0
                if ended:
                    turns.done(ended)
        self._known.refresh()  # what other processes did
        self._audio.refresh()
        progress(total, total)

    def recordings(self) -> Recordings:
        """The clips that can be used, all of them known by now."""
        usable, keys, skipped = [], [], []
        contents = self._contents(self._names)
        for name in self._names:
            clip, content = self._clips[name], contents.get(name, _NOTHING)
            if content != _NOTHING:
                usable.append(clip)
                keys.append(content)
            else:
                reason = self._changed.get(name) or self._known.piece(name).tobytes().decode()
                skipped.append((clip.file, reason))
        return Recordings(usable, keys, self._audio, self._rate, skipped)

    def _contents(self, names: Iterable[Key]) -> dict[Key, Key]:
        """What those of the clips hold that are known."""
        known = [name for name in names if name in self._known]
        if not known:
            return {}
        rows = self._known.column("content", known)
        return {name: row.tobytes() for name, row in zip(known, rows, strict=True)}

    def _missing(self, names: Iterable[Key]) -> list[Key]:
        contents = self._contents(names)
        there = {n for n, c in contents.items() if c == _NOTHING or c in self._audio}
        return [name for name in names if name not in there]

    def _work(self, turns: Turns) -> Iterator[tuple[Key, list[Key]] | None]:
        """Clips to decode, each with the group that ends with it, if one does."""
        size = min(_GROUP, -(-len(self._clips) // _GROUPS))
        for group in turns.of(in_groups(list(self._clips), size)):
            if group is None:
                yield None
                continue
            self._known.refresh()
            self._audio.refresh()
            missing = self._missing(group)
            for name in missing:
                yield name, group if name == missing[-1] else []
            if not missing:
                turns.done(group)

    def _decoded(self, name: Key) -> _Decoded:
        clip = self._clips[name]
        try:
            content = key_of(self._hash(clip.file), _part(clip), str(self._rate).encode())
        except OSError:
            content = _NOTHING  # reading it will say why
        waveform, reason = None, ""
        if content == _NOTHING or content not in self._audio:
            try:
                waveform = read(clip.file, self._rate, start_s=clip.start_s, end_s=clip.end_s)
            except AudioError as error:
                content, reason = _NOTHING, str(error)
        if _state(clip) != name:
            reason = f"{clip.file}: changed while it was read; run again when it is complete"
            self._changed[name] = reason
        return _Decoded(content, waveform, reason)

    def _hash(self, file: Path) -> bytes:
        found = self._hashes.get(file)
        if found is None:
            with file.open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").digest()
            if file in self._several:
                self._hashes[file] = found
        return found

    def _keep(self, held: dict[Key, _Decoded], fresh: Fresh | None) -> None:
        kept = {name: one for name, one in held.items() if name not in self._changed}
        new = {
            one.content: one.waveform
            for one in kept.values()
            if one.waveform is not None and one.content not in self._audio
        }
        if new:
            samples = np.array([waveform.size for waveform in new.values()])
            self._audio.add(list(new), {"samples": samples}, list(new.values()))
        if kept:
            contents = b"".join(one.content for one in kept.values())
            self._known.add(
                list(kept),
                {"content": np.frombuffer(contents, np.uint8).reshape(-1, len(_NOTHING))},
                [np.frombuffer(one.reason.encode(), np.uint8) for one in kept.values()],
            )
        usable = {name: one.content for name, one in kept.items() if not one.reason}
        if fresh is not None and usable:
            clips = [self._clips[name] for name in usable]
            fresh(Recordings(clips, list(usable.values()), self._audio, self._rate))


def _state(clip: Clip) -> Key:
    """Names a part of a file as it is now."""
    try:
        stat = clip.file.stat()
        state = f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"
    except OSError:
        state = "missing"
    return key_of(os.fsencode(clip.file.absolute()), state.encode(), _part(clip))


def _part(clip: Clip) -> bytes:
    return f"{clip.start_s!r} {clip.end_s!r}".encode()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
