"""The student on the device: load a bundle, embed sound and text, tag recordings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import Source, blocks
from tinyalm.bundle import BundleManifest, GraphInfo, read_bundle
from tinyalm.encoder import Encoder
from tinyalm.engine import Engine
from tinyalm.engine import engine as find_engine
from tinyalm.errors import BundleError, ConfigError
from tinyalm.labels import LabelEmbeddings, check_labels, fill_template
from tinyalm.results import ClipTags, WindowEmbeddings
from tinyalm.scoring import score
from tinyalm.text import Tokens
from tinyalm.waveform_encoder import FrontEnd, WaveformEncoder

TEXT_BATCH = 256


def load(
    path: str | Path,
    *,
    engine: str = "onnxruntime",
    frontend: FrontEnd = "auto",
    threads: int = 1,
) -> "Model":
    """Load the bundle folder at ``path``, after every file in it has been verified.

    Args:
        path: the bundle, a folder ``NAME.tinyalm``.
        engine: which engine executes its graphs, by its registered name.
        frontend: what computes log-mels: the ``native`` kernel, the ``graph``, or ``auto``, the
            kernel where it is installed.
        threads: CPU threads that one call uses.

    Raises:
        BundleError: no bundle, a damaged one, or one of another format version.
        MissingExtraError: no such engine is installed, or no kernel and it is asked for.
        ConfigError: ``threads`` is below 1, or there is no such front end.
    """
    path = Path(path)
    manifest = read_bundle(path)
    return Model(path, manifest, find_engine(engine), frontend=frontend, threads=threads)


class Model:
    """A loaded student. Calls are safe from several threads, and write nothing anywhere.

    Every window of every recording runs by itself, so that what is answered for a recording never
    depends on what else was asked.

    Attributes:
        manifest: what the bundle says about itself.
    """

    def __init__(
        self,
        path: Path,
        manifest: BundleManifest,
        engine: Engine,
        *,
        frontend: FrontEnd = "auto",
        threads: int = 1,
    ) -> None:
        self.manifest = manifest
        self._path = path
        self._engine = engine
        self._threads = threads
        self._audio = WaveformEncoder(path, manifest, self._open, frontend)
        self._text: tuple[Tokens, Encoder] | None = None
        self._text_lock = Lock()
        self._last_labels: LabelEmbeddings | None = None

    @property
    def frontend(self) -> str:
        """What computes log-mels: ``graph``, or ``native`` and the kernel's level."""
        return self._audio.frontend

    def embed_windows(self, source: Source, sample_rate: int | None = None) -> WindowEmbeddings:
        """Embed a recording of any length window by window, holding one window at a time.

        Args:
            source: a file, or samples (see `tinyalm.audio`).
            sample_rate: Hz, of samples; a file knows its own.

        Raises:
            AudioError: the recording cannot be read or holds nothing to hear.
            BundleError: the audio graph fails.
        """
        rate, rule = self.manifest.frontend.sample_rate, self.manifest.windows
        spans, embeddings = [], []
        for start, stop, window in rule.cut(blocks(source, rate, source_rate=sample_rate), rate):
            spans.append((start / rate, stop / rate))
            embeddings.append(self._audio(window))
        start_s, end_s = np.array(spans, np.float64).T
        return WindowEmbeddings(start_s, end_s, np.stack(embeddings))

    def embed_audio(
        self, source: Source | list[Source] | tuple[Source, ...], sample_rate: int | None = None
    ) -> NDArray[np.float32]:
        """Embed recordings: the mean of the embeddings of their windows.

        Args:
            source: a file or samples, or a list of such.
            sample_rate: Hz, of samples; a file knows its own.

        Returns:
            (dim,) float32 of unit length for one recording, (n, dim) for a list of n.

        Raises:
            AudioError: a recording cannot be read or holds nothing to hear.
            BundleError: the audio graph fails.
        """
        if not isinstance(source, list | tuple):
            return self.embed_windows(source, sample_rate).clip
        rows = [self.embed_windows(one, sample_rate).clip for one in source]
        return np.array(rows, np.float32).reshape(-1, self.manifest.embedding_dim)

    def embed_text(self, text: str | Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as they stand, without the bundle's template.

        Args:
            text: one text, or a list of them.

        Returns:
            (dim,) float32 of unit length for one text, (n, dim) for a list of n.

        Raises:
            BundleError: the bundle has no text side, or its text graph fails.
            ConfigError: a text without a word in it.
        """
        texts = [text] if isinstance(text, str) else text
        tokens, encode = self._text_side()
        rows = np.zeros((len(texts), self.manifest.embedding_dim), np.float32)
        for at, ids, mask in tokens.batches(texts, TEXT_BATCH):
            rows[at] = encode({"input_ids": ids, "attention_mask": mask})
        return rows[0] if isinstance(text, str) else rows

    def embed_labels(
        self, labels: Iterable[str] | None = None, *, template: str | None = None
    ) -> LabelEmbeddings:
        """Embed labels, each in its template; the last list is remembered.

        Args:
            labels: texts, by default the bundle's own labels.
            template: a sentence with ``{}`` where the label goes, by default the bundle's.

        Raises:
            ConfigError: a list that is empty or holds a blank or double label, a template without
                ``{}``, or no labels given and none in the bundle.
            BundleError: the bundle has no text side, or its text graph fails.
        """
        if labels is None and not self.manifest.labels:
            raise ConfigError(f"{self._path}: the bundle has no labels of its own; give some")
        names = check_labels(self.manifest.labels if labels is None else labels)
        template = self.manifest.template if template is None else template
        last = self._last_labels
        if last is None or last.labels != names or last.template != template:
            last = LabelEmbeddings(names, template, self.embed_text(fill_template(template, names)))
            self._last_labels = last
        return last

    def score(
        self, windows: WindowEmbeddings, labels: LabelEmbeddings, *, top_k: int = 5
    ) -> ClipTags:
        """Tag a recording that is embedded already, with labels that are, by the calibration.

        Raises:
            ConfigError: ``top_k`` is below 1.
        """
        return score(windows, labels, calibration=self.manifest.calibration, top_k=top_k)

    def tag(
        self,
        source: Source,
        labels: Iterable[str] | None = None,
        *,
        sample_rate: int | None = None,
        top_k: int = 5,
        template: str | None = None,
    ) -> ClipTags:
        """Say which of ``labels`` a recording holds, and when.

        Args:
            source: a file, or samples.
            labels: texts, by default the bundle's own labels.
            sample_rate: Hz, of samples; a file knows its own.
            top_k: how many of the best labels to answer, at most.
            template: a sentence with ``{}`` where the label goes, by default the bundle's.

        Returns:
            Tags best first, on the whole and by window. A score is the probability that the label
            applies where the bundle is calibrated, else the cosine, and 0 where that is negative.

        Raises:
            AudioError: the recording cannot be read or holds nothing to hear.
            ConfigError: labels, template or ``top_k`` that make no sense.
            BundleError: the bundle has no text side, or a graph fails.
        """
        embedded = self.embed_labels(labels, template=template)
        return self.score(self.embed_windows(source, sample_rate), embedded, top_k=top_k)

    def _text_side(self) -> tuple[Tokens, Encoder]:
        """Tokenizer and text graph, opened when a text is first asked for."""
        info = self.manifest.text
        if info is None:
            raise BundleError(f"{self._path}: the bundle has no text side; export it with one")
        with self._text_lock:
            if self._text is None:
                tokens = Tokens(self._path / info.tokenizer, info.max_tokens)
                self._text = tokens, self._open(info.graph)
            return self._text

    def _open(self, info: GraphInfo) -> Encoder:
        return Encoder(self._path, info, self.manifest.embedding_dim, self._engine, self._threads)
