"""The index: recordings in, moments out."""

from datetime import datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters import learned_of
from tinyalm.audio import Source
from tinyalm.errors import ConfigError
from tinyalm.index import files, parquet, syncing
from tinyalm.index.answers import Hit, IndexInfo, SyncReport
from tinyalm.index.identity import identity_of
from tinyalm.index.model_side import ModelSide
from tinyalm.index.sealing import Key, key_bytes
from tinyalm.index.searching import moments
from tinyalm.index.store import Filter, Recording, Store
from tinyalm.index.syncing import Gone, Outcome, Progress
from tinyalm.index.vectors import Vectors
from tinyalm.policy.guard import Guard
from tinyalm.policy.reading import in_force
from tinyalm.policy.rules import PolicyError
from tinyalm.results import WindowEmbeddings

_DAY_NS = 86_400_000_000_000


class Index:
    """An index of recordings; made by `tinyalm.Model.index`. Calls are safe from several threads.

    It holds embeddings of windows, paths and times, and no sound. Every recording is written in a
    transaction of its own: whatever happens, it is in the index whole or not at all. Several
    processes may use one index at the same time; writers take turns.

    Args:
        path: the index file; made where it is missing and a model is given.
        model: embeds recordings and texts; without it an index can be looked at and changed, but
            nothing be added or searched.
        guard: what may be asked; by default what the policy of ``TINYALM_POLICY`` says.
        key: of an index that is encrypted, or is to be made so: 32 bytes, a file of them, or what
            gives them when called; by default that of ``TINYALM_INDEX_KEY``.

    Raises:
        IndexFileError: a missing, foreign, damaged or newer file, or one by another model or key;
            or what the policy lets it remember no longer cannot be deleted.
        ConfigError: the key is none.
        MissingExtraError: usearch is not installed, or there is a key and cryptography is not.
    """

    def __init__(
        self,
        path: str | Path,
        model: ModelSide | None = None,
        *,
        guard: Guard | None = None,
        key: Key | None = None,
    ) -> None:
        self._model, self._guard = model, guard or Guard(in_force(None))
        identity = identity_of(model.manifest, model.attached()) if model else None
        self._store = Store(Path(path), identity, key_bytes(key))
        self._lock = RLock()
        try:
            self._vectors = Vectors(self._store)
            self._expire()
        except BaseException:
            self._store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files; the index cannot be used after it."""
        with self._lock:
            self._vectors.close()
            self._store.close()

    def info(self) -> IndexInfo:
        """What the index is.

        Raises:
            IndexFileError: it cannot be read.
        """
        with self._lock:
            recordings, segments, seconds = self._store.totals()
            made_by = self._store.identity
        return IndexInfo(
            path=str(self._store.path),
            bundle=made_by.bundle,
            audio_sha256=made_by.audio_sha256,
            residual=made_by.residual,
            embedding_dim=made_by.embedding_dim,
            recordings=recordings,
            segments=segments,
            seconds=seconds,
            encrypted=self._store.seal.sealed,
        )

    def add(self, file: str | Path) -> Outcome:
        """Add a recording, or update it where its content has changed.

        Returns:
            ``added``, ``updated``, ``unchanged``, or ``expired`` where the file is older than the
            policy lets the index remember.

        Raises:
            PolicyError: the policy does not allow it, as for all that asks or changes an index.
            AudioError: the recording cannot be read or holds nothing to hear.
            IndexFileError: the index cannot be written.
            ConfigError: the model has got other adapters, or there is none.
            BundleError: the audio graph fails.
        """
        self._guard.ask("index")
        outcome, _ = self._put(Path(file), {})
        with self._lock:
            self._vectors.fold()
        return outcome

    def sync(self, folder: str | Path, *, progress: Progress | None = None) -> SyncReport:
        """Make the index hold what ``folder`` holds, doing only what is new or has changed.

        What is finished stays finished: an interrupted sync goes on where it was. A file whose size
        and time are as they were is not opened; one whose content is known is not embedded again.
        Files that cannot be used are in the report, and the others are indexed; one that was
        indexed before keeps its old entry until it can be read or is gone.

        Args:
            folder: searched for audio files, folders in it as well.
            progress: called with how many files are done, and of how many.

        Raises:
            ConfigError: there is no such folder, or it holds no audio file any more (as where a
                disk is not mounted); the model has got other adapters, or there is none.
            IndexFileError: the index cannot be written.
            BundleError: the audio graph fails.
        """
        self._guard.ask("index")
        self._checked()
        self._expire()
        with self._lock:
            known = self._store.inside(files.key(folder))
        report, gone = syncing.sync(Path(folder), known, self._put, progress)
        with self._lock:
            if gone:
                self._take_out(gone)
            self._vectors.fold()
        report.removed += sorted(recording.path for recording in gone)
        return report

    def remove(self, path: str | Path) -> int:
        """Remove a recording, or all in a folder; returns how many.

        Raises:
            ConfigError: there is none.
            IndexFileError: the index cannot be written.
        """
        self._guard.ask("index")
        with self._lock:
            found = self._there(path)
            self._take_out(found)
        return len(found)

    def move(self, old: str | Path, new: str | Path) -> int:
        """Note that a recording or a folder has another path now; returns how many recordings.

        Recordings that the index has at the new paths are replaced.

        Raises:
            ConfigError: there is no recording at ``old``.
            AudioError: ``new`` is no name that an index can hold.
            IndexFileError: the index cannot be written.
        """
        self._guard.ask("index")
        source, target = files.key(old).rstrip("/"), files.key(new).rstrip("/")
        with self._lock, self._store.writing():
            found = self._there(old)
            self._store.rename({one.id: target + one.path[len(source) :] for one in found})
        return len(found)

    def search(
        self,
        query: str | NDArray[np.float32],
        *,
        top_k: int = 10,
        folder: str | Path | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Hit]:
        """Find moments by words.

        A moment is a window that overlaps no better one of its recording.

        Args:
            query: a text, embedded as it stands, or the name of a label that an attached adapter
                has learned; or an embedding, (dim,).
            top_k: how many moments to answer, at most.
            folder: only recordings in it.
            after: only recordings whose files were last changed then or later; a time without a
                zone is local.
            before: only recordings whose files were last changed earlier.

        Returns:
            Moments, best first.

        Raises:
            ConfigError: ``top_k`` is below 1, a text without a word, an embedding of another size,
                or the model has got other adapters, or there is none.
            BundleError: the bundle has no text side, or its text graph fails.
            IndexFileError: the index cannot be read.
        """
        if top_k < 1:
            raise ConfigError(f"top_k is {top_k}; it must be at least 1")
        if isinstance(query, str):
            self._guard.ask("search", [query])
            embedding = self._embedded(query)
        else:
            embedding = query
            if embedding.shape == (self._store.identity.embedding_dim,):
                self._guard.ask("search", ["an embedding"], query[None])
        return self._found(embedding, top_k, folder, after, before)

    def search_audio(
        self,
        source: Source,
        *,
        sample_rate: int | None = None,
        top_k: int = 10,
        folder: str | Path | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Hit]:
        """Find moments that sound like a recording, the recording itself among them.

        Args:
            source: a file, or samples; what is searched for is the mean of its windows.
            sample_rate: Hz, of samples; a file knows its own.
            top_k: see `search`, as for the others.
            folder: likewise.
            after: likewise.
            before: likewise.

        Raises:
            AudioError: the recording cannot be read or holds nothing to hear.
            ConfigError: see `search`, as for the others.
            BundleError: the audio graph fails.
            IndexFileError: the index cannot be read.
        """
        self._guard.ask("search")
        heard = self._checked().hear(source, sample_rate).clip
        return self._found(heard, top_k, folder, after, before)

    def export(self, path: str | Path) -> int:
        """Write everything to a Parquet file, whole or not at all; returns how many segments.

        Raises:
            MissingExtraError: pyarrow is not installed.
            IndexFileError: the index cannot be read.
            OSError: the file cannot be written.
        """
        self._guard.ask("embed")
        with self._lock:
            return parquet.export(self._store, Path(path))

    def _found(
        self,
        embedding: NDArray[np.float32],
        top_k: int,
        folder: str | Path | None,
        after: datetime | None,
        before: datetime | None,
    ) -> list[Hit]:
        """The moments nearest to an embedding."""
        if embedding.shape != (self._store.identity.embedding_dim,):
            raise ConfigError(
                f"the query has the shape {embedding.shape}, and embeddings here have "
                f"{self._store.identity.embedding_dim} numbers"
            )
        chosen = Filter(None if folder is None else files.key(folder), _ns(after), _ns(before))
        with self._lock:
            return moments(self._store, self._vectors, embedding, top_k, chosen)

    def _put(self, file: Path, gone: Gone) -> tuple[Outcome, str]:
        """Index ``file`` as far as that needs doing; what was done, and the path it had before."""
        model, path, stamp = self._checked(), files.key(file), files.stamp_of(file)
        with self._lock:
            known = self._store.find(path)
            days = self._guard.retention_days
            if days and stamp.modified_ns < self._store.now() * 1e9 - days * _DAY_NS:
                return "expired", path
        if known and known.stamp == stamp:
            return "unchanged", path
        digest = files.sha256(file)
        moved = None if known or not gone.get(digest) else gone[digest].pop()
        same = moved or (known if known and known.sha256 == digest else None)
        if same:
            with self._lock, self._store.writing():
                self._store.rename({same.id: path})
                self._store.stamp(same.id, stamp)
            return ("moved" if moved else "unchanged"), same.path
        windows, duration = self._stored(model, file)
        with self._lock, self._store.writing():
            self._store.put(path, stamp, digest, windows, duration)
        return ("updated" if known else "added"), path

    def _stored(self, model: ModelSide, file: Path) -> tuple[WindowEmbeddings, float]:
        """What the policy lets the index store of a recording, and how long that is in seconds."""
        none = np.zeros(0), np.zeros(0), np.zeros((0, self._store.identity.embedding_dim), "f4")
        try:
            windows = model.hear(file, None)
        except PolicyError:  # nothing but speech, which is refused
            return WindowEmbeddings(*none), 0.0
        left = model.speech.stored(windows) if model.speech else windows
        return left or WindowEmbeddings(*none), windows.duration

    def _expire(self) -> None:
        """Delete what is older than the policy lets the index remember."""
        days = self._guard.retention_days
        if days is None:
            return
        with self._lock:
            with self._store.writing():
                gone = self._store.expire(days)
            if gone:
                self._vectors.forget()

    def _take_out(self, recordings: list[Recording]) -> None:
        with self._store.writing():
            for recording in recordings:
                self._store.remove(recording.id)

    def _there(self, path: str | Path) -> list[Recording]:
        found = self._store.inside(files.key(path))
        if not found:
            raise ConfigError(f"{path}: no recording there in {self._store.path}")
        return found

    def _checked(self) -> ModelSide:
        """The model, as long as it is the one that the index was made by."""
        if self._model is None:
            raise ConfigError("the index was opened without a model; open it with model.index")
        identity = identity_of(self._model.manifest, self._model.attached())
        if not identity.same(self._store.identity):
            raise ConfigError(
                f"{self._store.path}: made by {self._store.identity}, and the model is now "
                f"{identity}; attach and detach before the index is opened"
            )
        return self._model

    def _embedded(self, text: str) -> NDArray[np.float32]:
        """A text, or the label of that name that was learned from recordings."""
        model = self._checked()
        for learned in learned_of(model.attached()):
            if text in learned.labels and self._store.identity.residual_sha256 is None:
                row: NDArray[np.float32] = learned.embeddings[learned.labels.index(text)]
                return row
        read: NDArray[np.float32] = model.read([text])[0]
        return read


def _ns(when: datetime | None) -> int | None:
    """Nanoseconds since 1970, as files have them."""
    return None if when is None else round(when.timestamp() * 1e6) * 1000
