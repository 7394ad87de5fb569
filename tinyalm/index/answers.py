"""What an index answers: plain dataclasses, each with a `to_dict` for JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Hit:
    """One moment of a recording that answers a search.

    Attributes:
        file: the recording, an absolute path.
        start: seconds into the recording.
        end: seconds, likewise.
        similarity: cosine in [-1, 1] to what was searched.
    """

    file: str
    start: float
    end: float
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index is.

    Attributes:
        path: its file.
        bundle: name of the bundle that it was made with.
        audio_sha256: of that bundle's audio graph.
        residual: name of the residual map that was attached; None without one.
        embedding_dim: numbers in an embedding.
        recordings: how many it holds.
        segments: windows of these, each with an embedding.
        seconds: of sound, in all recordings together.
        encrypted: whether paths, hashes and embeddings are.
    """

    path: str
    bundle: str
    audio_sha256: str
    residual: str | None
    embedding_dim: int
    recordings: int
    segments: int
    seconds: float
    encrypted: bool

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(slots=True)
class SyncReport:
    """What a sync did; paths are absolute.

    Attributes:
        added: recordings that were new.
        updated: recordings whose content had changed.
        moved: old and new path of recordings that had only another name.
        removed: recordings whose files are gone.
        unchanged: how many were left as they are.
        expired: files that are older than the policy lets the index remember, and were left out.
        failed: why a file or folder could not be used, one line each.
    """

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    expired: int = 0
    failed: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)
