"""The student on the device: load a bundle, embed sound and text, tag recordings."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyalm import few_shot, learning
from tinyalm import index as retrieval
from tinyalm.adapters import Adapter, LearnedLabels, encoder_of, learned_of, residual_of
from tinyalm.attachments import Attachments
from tinyalm.audio import Source, blocks
from tinyalm.bundle import BundleManifest, GraphInfo, read_bundle
from tinyalm.captioning.captions import Captions
from tinyalm.encoder import Encoder
from tinyalm.engine import Engine
from tinyalm.engine import engine as find_engine
from tinyalm.errors import ConfigError
from tinyalm.label_pack import LabelPack
from tinyalm.labels import LabelEmbeddings, check_labels, fill_template
from tinyalm.policy.binding import guard_of, speech_of
from tinyalm.policy.rules import Policy, Task
from tinyalm.results import ClipTags, WindowEmbeddings
from tinyalm.scoring import score
from tinyalm.shipped import find_bundle
from tinyalm.text_side import TextSide
from tinyalm.waveform_encoder import FrontEnd, WaveformEncoder

if TYPE_CHECKING:
    from tinyalm.index import Key
    from tinyalm.streaming import Event, EventRule, Session, Stream, WhenFull


def load(
    bundle: str | Path | None = None,
    *,
    engine: str = "onnxruntime",
    frontend: FrontEnd = "auto",
    threads: int = 1,
    policy: Policy | str | Path | None = None,
    key: str | Path | None = None,
) -> "Model":
    """Load a bundle, after every file in it has been verified.

    Args:
        bundle: a folder ``NAME.tinyalm``, or the name of a student that comes with tinyalm (see
            `tinyalm.shipped`); by default the one to start with.
        engine: which engine executes its graphs, by its registered name.
        frontend: what computes log-mels: the ``native`` kernel, the ``graph``, or ``auto``, the
            kernel where it is installed.
        threads: CPU threads that one call uses.
        policy: what may be asked of the model, or the file that says so (docs/privacy.md), beside
            that of ``TINYALM_POLICY``; without any, all but sensitive inferences.
        key: public key that the bundle must be signed by, see `tinyalm.bundle.read_bundle`.

    Raises:
        BundleError: no bundle, a damaged one, or one of another format version.
        MissingExtraError: no such engine is installed, or no kernel and it is asked for; or
            something is signed and cryptography is not installed.
        ConfigError: ``threads`` is below 1, there is no such front end, the policy is none, or the
            bundle is not signed by ``key``.
    """
    policies: tuple[Policy, ...] = ()
    if policy is not None or os.environ.get("TINYALM_POLICY"):
        from tinyalm.policy.reading import in_force

        policies = in_force(policy)
    path = find_bundle(bundle)
    manifest = read_bundle(path, key)
    opened = find_engine(engine)
    return Model(path, manifest, opened, frontend=frontend, threads=threads, policies=policies)


class Model(Captions):
    """A loaded student. Calls are safe from several threads, and write nothing but an audit log.

    Windows of one recording are heard together, those of two never, so that what is answered for a
    recording does not depend on what else was asked. Every call may raise
    `tinyalm.policy.PolicyError`: what it asks is not allowed.

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
        policies: tuple[Policy, ...] = (),
    ) -> None:
        self.manifest = manifest
        self._path = path
        self._engine = engine
        self._threads = threads
        self._audio = WaveformEncoder(path, manifest, self._open, frontend)
        self._text = TextSide(path, manifest, self._open)
        self._adapters = Attachments(encoder_of(manifest))
        self._guard = guard_of(manifest, self._text, policies)
        self._speech = speech_of(manifest, self._text, self._guard)

    @property
    def frontend(self) -> str:
        """What computes log-mels: ``graph``, or ``native`` and the kernel's level."""
        return self._audio.frontend

    @property
    def policies(self) -> tuple[Policy, ...]:
        """What may be asked of it; each of them must allow what is."""
        return self._guard.policies

    def embed_windows(self, source: Source, sample_rate: int | None = None) -> WindowEmbeddings:
        """Embed a recording of any length window by window, holding one window at a time.

        Args:
            source: a file, or samples (see `tinyalm.audio`).
            sample_rate: Hz, of samples; a file knows its own.

        Raises:
            AudioError: the recording cannot be read or holds nothing to hear.
            BundleError: the audio graph fails.
        """
        self._guard.ask("embed")
        return self._heard(source, sample_rate)

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
        self._guard.ask("embed")
        if not isinstance(source, list | tuple):
            return self._heard(source, sample_rate).clip
        rows = [self._heard(one, sample_rate).clip for one in source]
        return np.array(rows, np.float32).reshape(-1, self.manifest.embedding_dim)

    def embed_text(self, text: str | Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as they stand, without the bundle's template.

        Without a policy any text is embedded: by itself it says nothing about anybody.

        Args:
            text: one text, or a list of them.

        Returns:
            (dim,) float32 of unit length for one text, (n, dim) for a list of n.

        Raises:
            BundleError: the bundle has no text side, or its text graph fails.
            ConfigError: a text without a word in it.
        """
        texts = [text] if isinstance(text, str) else text
        self._guard.ask("embed", texts if self._guard.given else ())
        rows = self._text.embed(texts)
        return rows[0] if isinstance(text, str) else rows

    def embed_labels(
        self, labels: Iterable[str] | LabelEmbeddings | None = None, *, template: str | None = None
    ) -> LabelEmbeddings:
        """Embed labels, each in its template; the last list is remembered.

        Args:
            labels: texts, by default those of the bundle's own that the policy allows; or what is
                embedded already, as a label pack is. The bundle's own pack serves its own labels,
                and without a text side any that it holds.
            template: a sentence with ``{}`` where the label goes, by default the bundle's; what is
                embedded already has its own.

        Raises:
            ConfigError: a list that is empty or holds a blank or double label, a template without
                ``{}``, no labels given and none in the bundle, or a label pack of another space.
            BundleError: the bundle has no text side, or its text graph fails.
        """
        return self._asked(("embed", "tag", "listen"), labels, template)

    def score(
        self, windows: WindowEmbeddings, labels: LabelEmbeddings, *, top_k: int = 5
    ) -> ClipTags:
        """Tag a recording that is embedded already, with labels that are, by the calibration.

        Raises:
            ConfigError: ``top_k`` is below 1.
        """
        asked = self._asked("tag", labels, None)
        calibration, learned = self.manifest.calibration, learned_of(self._adapters.now)
        return score(windows, asked, calibration=calibration, top_k=top_k, learned=learned)

    def tag(
        self,
        source: Source,
        labels: Iterable[str] | LabelEmbeddings | None = None,
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
        asked = self._asked("tag", labels, template)
        windows, learned = self._heard(source, sample_rate), learned_of(self._adapters.now)
        calibration = self.manifest.calibration
        return score(windows, asked, calibration=calibration, top_k=top_k, learned=learned)

    def session(
        self,
        labels: Iterable[str] | LabelEmbeddings | None = None,
        *,
        rule: "EventRule | None" = None,
        template: str | None = None,
        when_full: "WhenFull" = "drop_oldest",
    ) -> "Session":
        """A `streaming.Session` with the adapters of now; errors are its and `embed_labels`'s."""
        from tinyalm.streaming import Session, WindowScorer  # tagging needs neither

        asked = self._asked("listen", labels, template)
        refused = self._speech.dominant if self._speech and self._speech.refused else None
        scorer = WindowScorer(asked, self.manifest.calibration, self._adapters.now, refused)
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

    def index(self, path: str | Path, *, key: "Key | None" = None) -> "retrieval.Index":
        """Open the index of recordings at ``path``, made where it is missing; see its class."""
        side = retrieval.ModelSide(
            self.manifest, lambda: self._adapters.now, self._heard, self._text.embed, self._speech
        )
        return retrieval.Index(path, side, guard=self._guard, key=key)

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
        self._guard.ask("learn", check_labels(examples))
        learned = learning.learn(
            examples,
            others,
            lambda source: self._heard(source, sample_rate),
            learning.background_of(self._path, self.manifest, self._text),
            self.manifest,
            name=name,
            false_alarm=false_alarm,
        )
        self._adapters.add(learned)
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
        checked = self._adapters.checked(adapter)
        if isinstance(checked, LearnedLabels):
            self._guard.ask(None, checked.labels)
        self._adapters.add(checked)
        return checked

    def detach(self, name: str | None = None) -> None:
        """Take the adapter ``name`` off again, or all; answers are then bit for bit as before.

        Raises:
            ConfigError: no adapter of this name is attached.
        """
        self._adapters.remove(name)

    def _asked(
        self,
        tasks: Task | tuple[Task, ...],
        labels: Iterable[str] | LabelEmbeddings | None,
        template: str | None,
    ) -> LabelEmbeddings:
        """Labels with their embeddings, once the guard has let them pass."""
        if isinstance(labels, LabelEmbeddings):
            if isinstance(labels, LabelPack):
                manifest = self.manifest
                labels.check_space(manifest.provenance.teacher, manifest.embedding_dim)
            if template not in (None, labels.template):
                raise ConfigError(f"the label pack was made with the template {labels.template!r}")
            self._guard.ask(tasks, labels.labels, labels.embeddings)
            return labels
        learned = {label for one in learned_of(self._adapters.now) for label in one.labels}
        own = labels is None
        if own and not self.manifest.labels and not learned:
            raise ConfigError(f"{self._path}: the bundle has no labels of its own; give some")
        if labels is not None:
            given = check_labels(labels)
        else:
            given = self._guard.chosen(list(self.manifest.labels))
        self._guard.ask(tasks, given, read=fill_template(template, given) if template else None)
        names = [label for label in given if label not in learned]
        return self._text.embed_labels(names, template, own=own)

    def _heard(self, source: Source, sample_rate: int | None = None) -> WindowEmbeddings:
        """The windows of a recording that may be answered for."""
        rate, rule = self.manifest.frontend.sample_rate, self.manifest.windows
        cuts = rule.cut(blocks(source, rate, source_rate=sample_rate), rate)
        spans, rows = [], bytearray()  # which grows without a second copy of hours of embeddings
        while batch := list(islice(cuts, self._audio.batch_size)):
            spans += [(start / rate, stop / rate) for start, stop, _ in batch]
            rows += self._audio.batch([window for _, _, window in batch]).tobytes()
        start_s, end_s = np.array(spans, np.float64).T
        heard = np.frombuffer(rows, np.float32).reshape(len(spans), -1)
        residual = residual_of(self._adapters.now)
        windows = WindowEmbeddings(start_s, end_s, heard)
        if residual is not None:
            windows = WindowEmbeddings(start_s, end_s, residual(heard), heard)
        return self._speech.answerable(windows) if self._speech else windows

    def _open(self, info: GraphInfo) -> Encoder:
        return Encoder(self._path, info, self.manifest.embedding_dim, self._engine, self._threads)
