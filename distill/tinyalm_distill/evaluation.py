"""Zero-shot evaluation of teachers and bundles on a manifest with labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

import tinyalm
from tinyalm.audio import read
from tinyalm.errors import AudioError, DataError
from tinyalm_distill.manifest import Clip
from tinyalm_distill.metrics import Interval, bootstrap, mean_average_precision, top_k
from tinyalm_distill.recordings import Progress
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher


class Embedder(Protocol):
    """What can be evaluated: clips and labels to unit vectors of one space."""

    name: str

    sample_rate: int

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip, (samples,) float32 at `sample_rate`, to (dim,)."""
        ...

    def embed_labels(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """Labels to (n, dim), in the embedder's own prompt."""
        ...


class TeacherEmbedder:
    """A teacher, hearing whole clips."""

    def __init__(self, teacher: AudioTextTeacher) -> None:
        """Evaluate ``teacher``."""
        self.name, self.sample_rate, self._teacher = teacher.name, teacher.sample_rate, teacher

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip to (dim,)."""
        row: NDArray[np.float32] = self._teacher.embed_audio([waveform], self.sample_rate)[0]
        return row

    def embed_labels(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """Labels to (n, dim)."""
        return self._teacher.embed_text([self._teacher.template.format(x) for x in labels])


class BundleEmbedder:
    """A bundle, as the device runs it."""

    def __init__(self, path: Path) -> None:
        """Evaluate the bundle at ``path``."""
        self.name, self._model = path.name, tinyalm.load(path)
        self.sample_rate = self._model.manifest.frontend.sample_rate

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip to (dim,)."""
        return self._model.embed_audio(waveform, sample_rate=self.sample_rate)

    def embed_labels(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """Labels to (n, dim)."""
        template = self._model.manifest.template
        return self._model.embed_text([template.format(label) for label in labels])


def open_embedder(*, bundle: Path | None = None, teacher: str | None = None) -> Embedder:
    """The bundle or the teacher of these names, whichever is given."""
    if bundle is not None:
        return BundleEmbedder(bundle)
    return TeacherEmbedder(open_teacher(teacher or "yamnet-minilm"))


class ZeroShot(Struct, frozen=True):
    """Zero-shot classification over a manifest's label set; intervals are over clips."""

    model: str
    clips: int
    labels: int
    skipped: list[str]
    top1: Interval
    top5: Interval
    map: Interval


class Comparison(Struct, frozen=True):
    """A student against the model that it was taught by, on the same clips."""

    against: ZeroShot
    retention: Interval  # top-1 of the student over top-1 of the other
    cosine: Interval  # mean over clips; NaN where the spaces have different sizes


class Task:
    """Clips with labels, embedded once for every model that is evaluated."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        """Take the clips that have labels.

        Raises:
            DataError: none has.
        """
        self.clips = [clip for clip in clips if clip.labels]
        if not self.clips:
            raise DataError("the manifest has no labels (column 'label'), and zero-shot needs them")
        self.labels = sorted({label for clip in self.clips for label in clip.labels})

    def embed(self, embedder: Embedder, progress: Progress | None = None) -> "Embedded":
        """Embed all clips and labels with ``embedder``, skipping clips that cannot be used."""
        rows: list[NDArray[np.float32]] = []
        used, skipped = [], []
        for number, clip in enumerate(self.clips):
            try:
                waveform = read(
                    clip.file, embedder.sample_rate, start_s=clip.start_s, end_s=clip.end_s
                )
                rows.append(embedder.embed_waveform(waveform))
                used.append(number)
            except AudioError as error:
                skipped.append(str(error))
            if progress is not None:
                progress(number + 1, len(self.clips))
        if not rows:
            raise DataError(f"none of the {len(self.clips)} clips can be used; {skipped[0]}")
        texts = embedder.embed_labels(self.labels)
        return Embedded(self, embedder.name, np.stack(rows), texts, np.array(used), skipped)


class Embedded:
    """A task's clips and labels in one model's space."""

    def __init__(
        self,
        task: Task,
        name: str,
        sounds: NDArray[np.float32],
        texts: NDArray[np.float32],
        used: NDArray[np.int64],
        skipped: list[str],
    ) -> None:
        """Hold ``sounds``, (clips, dim), of the task's clips ``used``, and ``texts``."""
        self.name, self.sounds, self.used = name, sounds, used
        self._task, self._skipped = task, skipped
        self._similarity = sounds @ texts.T
        clips = [task.clips[number] for number in used]
        self._relevant = np.array([[x in clip.labels for x in task.labels] for clip in clips])
        self.hits = top_k(self._similarity, self._relevant, 1)

    def zero_shot(self) -> ZeroShot:
        """The figures, with intervals."""
        fives = top_k(self._similarity, self._relevant, 5)
        clips = len(self.used)
        return ZeroShot(
            model=self.name,
            clips=clips,
            labels=len(self._task.labels),
            skipped=self._skipped,
            top1=bootstrap(lambda rows: float(self.hits[rows].mean()), clips),
            top5=bootstrap(lambda rows: float(fives[rows].mean()), clips),
            map=bootstrap(
                lambda rows: mean_average_precision(self._similarity[rows], self._relevant[rows]),
                clips,
            ),
        )

    def compare(self, other: "Embedded") -> Comparison:
        """This model against ``other``, on the clips that both could use."""
        _, mine, theirs = np.intersect1d(self.used, other.used, return_indices=True)

        def retention(rows: NDArray[np.int64]) -> float:
            reached = float(other.hits[theirs[rows]].mean())
            return float(self.hits[mine[rows]].mean()) / reached if reached else float("nan")

        same_space = self.sounds.shape[1] == other.sounds.shape[1]
        cosines = (
            (self.sounds[mine] * other.sounds[theirs]).sum(axis=1)
            if same_space
            else np.full(len(mine), np.nan)
        )
        return Comparison(
            against=other.zero_shot(),
            retention=bootstrap(retention, len(mine)),
            cosine=bootstrap(lambda rows: float(cosines[rows].mean()), len(mine)),
        )
