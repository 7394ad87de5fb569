"""The captioner of a bundle: from windows that were heard to captions."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import BundleManifest
from tinyalm.captioning.decoding import CaptionGraph, Sentence, search
from tinyalm.captioning.grounding import ground
from tinyalm.captioning.results import Caption, CaptionSegment, CaptionWord
from tinyalm.captioning.segments import merged_text, segment
from tinyalm.captioning.vocabulary import STYLES, Vocabulary, sentence
from tinyalm.engine import Engine
from tinyalm.errors import BundleError, ConfigError
from tinyalm.results import WindowEmbeddings, unit_length
from tinyalm.scoring import probability
from tinyalm.text_side import TextSide

Style = Literal["full", "short"]

NOTHING = "nothing recognisable"
CONFIDENCE = 0.2  # least of a caption that is given
SILENT = 0.98  # cosine to silence from which on nothing was heard


class CaptionSide:
    """What a bundle has for captions, opened when it is first needed. Safe from several threads.

    Args:
        path: the bundle's folder.
        manifest: its manifest.
        engine: executes its graphs.
        threads: CPU threads that one call uses.
        text: its text side.
    """

    def __init__(
        self, path: Path, manifest: BundleManifest, engine: Engine, threads: int, text: TextSide
    ) -> None:
        self._path, self._manifest, self._text = path, manifest, text
        self._engine, self._threads = engine, threads
        self._opened: tuple[CaptionGraph, Vocabulary] | None = None
        self._lock = Lock()

    def caption(
        self,
        windows: WindowEmbeddings,
        silence: NDArray[np.float32],
        *,
        beam: int,
        style: Style,
    ) -> Caption:
        """Caption a recording segment by segment; see `tinyalm.Model.caption`.

        Args:
            windows: the recording.
            silence: (dim,) float32 of unit length, what is heard where there is no sound.
            beam: sentences that are followed at once.
            style: how much is said.
        """
        if beam < 1:
            raise ConfigError(f"beam is {beam}; it must be at least 1")
        if style not in STYLES:
            raise ConfigError(f"style is {style!r}; it is one of {', '.join(STYLES)}")
        self._graph()
        made = [
            self._segment(windows, span, silence, beam=beam, style=style)
            for span in segment(windows)
        ]
        lengths = np.array([one.end - one.start for one in made])
        confidence = float(np.average([one.confidence for one in made], weights=lengths))
        return Caption(merged_text(made) or NOTHING, confidence, made, windows.duration)

    def say(self, embedding: NDArray[np.float32], *, beam: int, style: Style) -> list[Sentence]:
        """What the decoder says of an embedding, (dim,) float32 of unit length, the best first."""
        graph, _ = self._graph()
        info = self._manifest.caption
        most = info.max_tokens if info else 0
        return search(graph, embedding, graph.nothing(), STYLES[style], beam=beam, max_tokens=most)

    def words(self, said: Sentence) -> list[str]:
        """Its words."""
        return self._graph()[1].words(said.ids)

    def _segment(
        self,
        windows: WindowEmbeddings,
        span: tuple[int, int],
        silence: NDArray[np.float32],
        *,
        beam: int,
        style: Style,
    ) -> CaptionSegment:
        first, stop = span
        start, end = float(windows.start_s[first]), float(windows.end_s[stop - 1])
        heard = windows.embeddings[first:stop]
        heard = heard[heard @ silence < SILENT]
        if not len(heard):
            return CaptionSegment(start, end, "", 0.0, [])
        clip = unit_length(heard.mean(axis=0))
        said = [self.words(one) for one in self.say(clip, beam=beam, style=style)]
        words, checked = self._grounded(said, clip, heard)
        confidence = self._confidence(words, clip)
        text = sentence(words) if confidence >= CONFIDENCE else ""
        return CaptionSegment(start, end, text, confidence, checked)

    def _grounded(
        self, said: list[list[str]], clip: NDArray[np.float32], heard: NDArray[np.float32]
    ) -> tuple[list[str], list[CaptionWord]]:
        if self._manifest.text is None:
            return said[0], []
        heard = np.vstack([clip, heard])
        return ground(said, heard, self._labels, self._text.embed, self._manifest.calibration)

    @cached_property
    def _labels(self) -> NDArray[np.float32]:
        """(labels, dim), the bundle's own."""
        return self._text.embed_labels(list(self._manifest.labels), own=True).embeddings

    def _confidence(self, words: Sequence[str], clip: NDArray[np.float32]) -> float:
        """Probability that the sentence applies; of a bundle without text, that some label does."""
        if not words:
            return 0.0
        if self._manifest.text is not None:
            rows = self._text.embed([sentence(words)])
        else:
            rows = self._labels
        cosines = rows @ clip
        return float(probability(cosines, self._manifest.calibration).max(initial=0.0))

    def _graph(self) -> tuple[CaptionGraph, Vocabulary]:
        info = self._manifest.caption
        if info is None:
            raise BundleError(
                f"{self._path}: the bundle has no captioner; export it with --captioner"
            )
        with self._lock:
            if self._opened is None:
                dim = self._manifest.embedding_dim
                graph = CaptionGraph(self._path, info, dim, self._engine, self._threads)
                words = Vocabulary(self._path / info.tokenizer, graph.vocabulary)
                self._opened = graph, words
            return self._opened
