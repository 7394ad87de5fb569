"""What can be evaluated: teachers, and bundles as the device runs them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import tinyalm
from tinyalm.bundle import MANIFEST, Calibration
from tinyalm.labels import fill_template
from tinyalm.results import unit_length
from tinyalm.shipped import find_bundle
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher


class Embedder(Protocol):
    """Clips and texts to unit vectors of one space.

    Attributes:
        name: for people.
        identity: changes whenever its answers to sounds do.
        sample_rate: that it hears, Hz.
        template: its own prompt, with ``{}`` for the label.
        calibration: from cosine to score; None where a score is the cosine.
    """

    name: str
    identity: str
    sample_rate: int
    template: str
    calibration: Calibration | None

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip, (samples,) float32 at `sample_rate`, to (dim,)."""
        ...

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts as they stand to (n, dim)."""
        ...


class TeacherEmbedder:
    """A teacher, hearing whole clips."""

    calibration: Calibration | None = None

    def __init__(self, teacher: AudioTextTeacher) -> None:
        """Evaluate ``teacher``."""
        self.name, self.sample_rate, self.template = (
            teacher.name,
            teacher.sample_rate,
            teacher.template,
        )
        self.identity = f"teacher {teacher.name} {teacher.revision}"
        self._teacher = teacher

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip to (dim,)."""
        row: NDArray[np.float32] = self._teacher.embed_audio([waveform], self.sample_rate)[0]
        return row

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts to (n, dim)."""
        return self._teacher.embed_text(texts)


class BundleEmbedder:
    """A bundle, as the device runs it."""

    def __init__(self, path: Path) -> None:
        """Evaluate the bundle at ``path``, or the shipped student of that name.

        Raises:
            BundleError: it is damaged, or no bundle.
        """
        path = find_bundle(path)
        self._model = tinyalm.load(path)
        manifest = self._model.manifest
        self.name, self.sample_rate = path.resolve().name, manifest.frontend.sample_rate
        self.template, self.calibration = manifest.template, manifest.calibration
        # bundle.json holds the hashes of all other files.
        digest = hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()
        self.identity = f"bundle {digest} {self._model.frontend} {tinyalm.__version__}"

    def embed_waveform(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole clip to (dim,)."""
        return self._model.embed_audio(waveform, sample_rate=self.sample_rate)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts to (n, dim)."""
        return self._model.embed_text(list(texts))


def open_embedder(name: str) -> Embedder:
    """The bundle where ``name`` is a folder or a shipped student, else the teacher of that name."""
    path = find_bundle(name)
    return BundleEmbedder(path) if path.is_dir() else TeacherEmbedder(open_teacher(name))


def embed_labels(
    embedder: Embedder, labels: Sequence[str], templates: Sequence[str]
) -> NDArray[np.float32]:
    """Labels to (n, dim) unit vectors: the mean over their prompts (CLIP, arXiv:2103.00020, 3.1.4).

    Args:
        embedder: whose space.
        labels: n names.
        templates: prompts with ``{}`` for the label; none for the embedder's own.

    Raises:
        ConfigError: a template without ``{}``.
    """
    prompts = [
        embedder.embed_text(fill_template(template, labels))
        for template in templates or [embedder.template]
    ]
    return unit_length(np.mean(prompts, axis=0))
