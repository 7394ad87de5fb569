"""What the runtime answers: plain dataclasses, each with a `to_dict` for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tag:
    """One label's answer; ``tag["label"]`` reads as in the transformers pipelines.

    Attributes:
        label: the text as it was asked.
        score: calibrated probability in [0, 1] that the label applies.
        similarity: cosine in [-1, 1] that the score comes from.
        start: seconds, of the window where the label is strongest.
        end: seconds, likewise.
    """

    label: str
    score: float
    similarity: float
    start: float
    end: float

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - a field of any type
        return asdict(self)[key]

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Segment:
    """The best tags of one window, ``start`` to ``end`` seconds."""

    start: float
    end: float
    tags: list[Tag]

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, tags without their times, which are the segment's."""
        tags = [{"label": t.label, "score": t.score, "similarity": t.similarity} for t in self.tags]
        return {"start": self.start, "end": self.end, "tags": tags}


@dataclass(frozen=True, slots=True)
class ClipTags(Sequence[Tag]):
    """Tags of a whole recording, best first; a sequence of its ``tags``.

    Attributes:
        tags: scored on the recording's pooled embedding, best first.
        segments: the same labels window by window, in time order.
        duration: seconds.
    """

    tags: list[Tag]
    segments: list[Segment]
    duration: float

    @overload
    def __getitem__(self, index: int) -> Tag: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tag]: ...
    def __getitem__(self, index: int | slice) -> Tag | list[Tag]:
        return self.tags[index]

    def __len__(self) -> int:
        return len(self.tags)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self.tags)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "duration": self.duration,
            "tags": [tag.to_dict() for tag in self.tags],
            "segments": [segment.to_dict() for segment in self.segments],
        }


@dataclass(frozen=True, slots=True, eq=False)
class WindowEmbeddings:
    """What the student heard in each window of a recording, in time order.

    Attributes:
        start_s: (windows,) float64, seconds.
        end_s: (windows,) float64, seconds; the last is the recording's end.
        embeddings: (windows, dim) float32, unit length.
        unadapted: likewise, before a residual map moved them; None where there is none.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    unadapted: NDArray[np.float32] | None = None

    @property
    def duration(self) -> float:
        """Length of the recording, seconds."""
        return float(self.end_s[-1])

    @property
    def heard(self) -> NDArray[np.float32]:
        """The student's own embeddings, whatever is attached to it."""
        return self.embeddings if self.unadapted is None else self.unadapted

    @property
    def clip(self) -> NDArray[np.float32]:
        """Embedding of the whole recording: the windows' mean, (dim,) float32, unit length."""
        return unit_length(self.embeddings.mean(axis=0))


def unit_length(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors along the last axis scaled to length 1, float32 of the same shape; zeros stay."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.finfo(np.float32).tiny), np.float32)
