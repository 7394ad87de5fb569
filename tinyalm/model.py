"""The student on the device: load a bundle, embed sound and text, tag recordings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyalm import few_shot
from tinyalm import index as retrieval
from tinyalm.adapters import (
    Adapter,
    Attached,
    LearnedLabels,
    check_encoder,
    encoder_of,
    learned_of,
    load_adapter,
    residual_of,
    with_adapter,
    without,
)
from tinyalm.audio import Source, blocks
from tinyalm.background import read_background
from tinyalm.bundle import BundleManifest, GraphInfo, read_bundle
from tinyalm.encoder import Encoder
from tinyalm.engine import Engine
from tinyalm.engine import engine as find_engine
from tinyalm.errors import BundleError, ConfigError
from tinyalm.label_pack import LabelPack, read_label_pack
from tinyalm.labels import LabelEmbeddings, check_labels, fill_template
from tinyalm.results import ClipTags, WindowEmbeddings, unit_length
from tinyalm.scoring import score
from tinyalm.shipped import find_bundle
from tinyalm.text import Tokens
from tinyalm.waveform_encoder import FrontEnd, WaveformEncoder

if TYPE_CHECKING:
    from tinyalm.streaming import Event, EventRule, Session, Stream, WhenFull

TEXT_BATCH = 256


def load(
    bundle: str | Path | None = None,
    *,
    engine: str = "onnxruntime",
    frontend: FrontEnd = "auto",
    threads: int = 1,
) -> "Model":
    """Load a bundle, after every file in it has been verified.

    Args:
        bundle: a folder ``NAME.tinyalm``, or the name of a student that comes with tinyalm (see
            `tinyalm.shipped`); by default the one to start with.
        engine: which engine executes its graphs, by its registered name.
        frontend: what computes log-mels: the ``native`` kernel, the ``graph``, or ``auto``, the
            kernel where it is installed.
        threads: CPU threads that one call uses.

    Raises:
        BundleError: no bundle, a damaged one, or one of another format version.
        MissingExtraError: no such engine is installed, or no kernel and it is asked for.
        ConfigError: ``threads`` is below 1, or there is no such front end.
    """
    path = find_bundle(bundle)
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
        self._attached: Attached = ()
        self._attach_lock = Lock()

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
        heard = np.stack(embeddings)
        residual = residual_of(self._attached)
        if residual is None:
            return WindowEmbeddings(start_s, end_s, heard)
        return WindowEmbeddings(start_s, end_s, residual(heard), heard)

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
        self, labels: Iterable[str] | LabelPack | None = None, *, template: str | None = None
    ) -> LabelEmbeddings:
        """Embed labels, each in its template; the last list is remembered.

        Args:
            labels: texts, by default the bundle's own labels, or a label pack, which is embedded
                already. The bundle's own pack serves its own labels, and without a text side any
                that it holds.
            template: a sentence with ``{}`` where the label goes, by default the bundle's; a label
                pack has its own.

        Raises:
            ConfigError: a list that is empty or holds a blank or double label, a template without
                ``{}``, no labels given and none in the bundle, or a label pack of another space.
            BundleError: the bundle has no text side, or its text graph fails.
        """
        if isinstance(labels, LabelPack):
            labels.check_space(self.manifest.provenance.teacher, self.manifest.embedding_dim)
            if template not in (None, labels.template):
                raise ConfigError(f"the label pack was made with the template {labels.template!r}")
            return labels
        learned = {label for one in learned_of(self._attached) for label in one.labels}
        if labels is None and not self.manifest.labels and not learned:
            raise ConfigError(f"{self._path}: the bundle has no labels of its own; give some")
        asked = self.manifest.labels if labels is None else labels
        given = [] if labels is None and not asked else check_labels(asked)
        names = [label for label in given if label not in learned]
        template = self.manifest.template if template is None else template
        if not names:
            return LabelEmbeddings([], template, np.zeros((0, self.manifest.embedding_dim), "f4"))
        pack = self._pack
        if pack and template == pack.template and (labels is None or self.manifest.text is None):
            return pack.choose(names)
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
        calibration, learned = self.manifest.calibration, learned_of(self._attached)
        return score(windows, labels, calibration=calibration, top_k=top_k, learned=learned)

    def tag(
        self,
        source: Source,
        labels: Iterable[str] | LabelPack | None = None,
        *,
        sample_rate: int | None = None,
        top_k: int = 5,
        template: str | None = None,
    ) -> ClipTags:
        """Say which of ``labels`` a recording holds, and when.

        Args:
            source: a file, or samples.
            labels: texts or a label pack, by default the bundle's own labels.
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

    def session(
        self,
        labels: Iterable[str] | LabelPack | None = None,
        *,
        rule: "EventRule | None" = None,
        template: str | None = None,
        when_full: "WhenFull" = "drop_oldest",
    ) -> "Session":
        """A `streaming.Session` with the adapters of now; errors are its and `embed_labels`'s."""
        from tinyalm.streaming import Session, WindowScorer  # tagging needs neither

        asked = self.embed_labels(labels, template=template)
        scorer = WindowScorer(asked, self.manifest.calibration, self._attached)
        rate, windows = self.manifest.frontend.sample_rate, self.manifest.windows
        return Session(self._audio, scorer, windows, rate, rule, when_full=when_full)

    def listen(
        self,
        source: "Source | Stream",
        labels: Iterable[str] | LabelPack | None = None,
        *,
        rule: "EventRule | None" = None,
        sample_rate: int | None = None,
    ) -> "Iterator[Event]":
        """The events of a recording or stream as they become certain; see `streaming.listen`."""
        from tinyalm.streaming import Recording, Stream, listen

        if not isinstance(source, Stream):
            source = Recording(source, self.manifest.frontend.sample_rate, sample_rate)
        return listen(self.session(labels, rule=rule), source)

    def index(self, path: str | Path) -> "retrieval.Index":
        """Open the index of recordings at ``path``, made where it is missing; see its class."""
        return retrieval.Index(path, self, lambda: self._attached)

    def learn(
        self,
        examples: Mapping[str, Sequence[Source]],
        *,
        name: str = "learned",
        false_alarm: float = few_shot.FALSE_ALARM,
        others: Sequence[Source] = (),
        sample_rate: int | None = None,
    ) -> LearnedLabels:
        """Learn labels from a few recordings of each, and attach them.

        Beyond embedding the recordings it takes milliseconds, and keeps none of them. The labels
        are told from each other, from ``others``, and from the bundle's background; a bundle
        without one has only the texts of its own labels to tell them from.

        Args:
            examples: by label, recordings (files or samples), best 5 to 20 of them.
            name: of the set, which replaces an attached one of that name.
            false_alarm: share of other sounds that any of the labels may be answered for, at most.
            others: recordings that hold none of the labels, as from the place of use.
            sample_rate: Hz, of samples; files know their own.

        Returns:
            What was learned, to be saved with `tinyalm.adapters.save_adapter`.

        Raises:
            AudioError: a recording cannot be read or holds nothing to hear.
            ConfigError: labels, numbers of recordings, or a rate that make no sense.
            BundleError: the audio graph fails, or the bundle's background is damaged.
        """

        def heard(sources: Sequence[Source]) -> list[NDArray[np.float32]]:
            if not isinstance(sources, list | tuple):
                raise ConfigError(f"{sources!r} is not a list; give a list of recordings")
            windows = (self.embed_windows(one, sample_rate) for one in sources)
            return [unit_length(one.heard.mean(axis=0)) for one in windows]

        learned = few_shot.learn(
            {label: heard(sources) for label, sources in examples.items()},
            np.array([*self._others(), *heard(others)], np.float32),
            name=name,
            encoder=encoder_of(self.manifest),
            false_alarm=false_alarm,
        )
        self.attach(learned)
        return learned

    def attach(self, adapter: Adapter | str | Path) -> Adapter:
        """Answer with an adapter from now on.

        A set of learned labels takes the place of an attached one of its name, a residual map that
        of any other.

        Args:
            adapter: the adapter, or its file.

        Returns:
            The adapter.

        Raises:
            BundleError: the file is damaged, or the adapter was made on another encoder.
            ConfigError: another attached set has one of its labels.
        """
        if not isinstance(adapter, Adapter):
            adapter = load_adapter(adapter)
        check_encoder(adapter, encoder_of(self.manifest))
        with self._attach_lock:
            self._attached = with_adapter(self._attached, adapter)
        return adapter

    def detach(self, name: str | None = None) -> None:
        """Take the adapter ``name`` off again, or all; answers are then bit for bit as before.

        Raises:
            ConfigError: no adapter of this name is attached.
        """
        with self._attach_lock:
            self._attached = without(self._attached, name)

    def _others(self) -> NDArray[np.float32]:
        """What the bundle has for learned labels to be told from, (n, dim)."""
        manifest = self.manifest
        if manifest.background is not None:
            return read_background(self._path / manifest.background, manifest.embedding_dim)
        if manifest.labels and (manifest.text is not None or manifest.label_pack is not None):
            return self.embed_labels().embeddings
        return np.zeros((0, manifest.embedding_dim), np.float32)

    @cached_property
    def _pack(self) -> LabelPack | None:
        """The bundle's own label pack, read when labels are first asked for."""
        file, origin = self.manifest.label_pack, self.manifest.provenance.teacher
        if file is None:
            return None
        pack = read_label_pack(self._path / file)
        pack.check_space(origin, self.manifest.embedding_dim)
        return pack

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
