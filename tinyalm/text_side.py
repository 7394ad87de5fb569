"""The text side of a bundle: its labels, its label pack, and the graph that reads texts."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import BundleManifest, GraphInfo
from tinyalm.encoder import Encoder
from tinyalm.errors import BundleError
from tinyalm.label_pack import LabelPack, read_label_pack
from tinyalm.labels import LabelEmbeddings, fill_template
from tinyalm.text import Tokens

TEXT_BATCH = 256


class TextSide:
    """What a bundle has for texts, opened when it is first needed. Safe from several threads.

    Args:
        path: the bundle's folder.
        manifest: its manifest.
        open_graph: opens a graph of the bundle.
    """

    def __init__(
        self, path: Path, manifest: BundleManifest, open_graph: Callable[[GraphInfo], Encoder]
    ) -> None:
        self._path, self._manifest, self._open = path, manifest, open_graph
        self._opened: tuple[Tokens, Encoder] | None = None
        self._lock = Lock()
        self._last: LabelEmbeddings | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed n texts as they stand, (n, dim) float32 of unit length.

        Raises:
            BundleError: the bundle has no text side, or its text graph fails.
            ConfigError: a text without a word in it.
        """
        tokens, encode = self._graph()
        rows = np.zeros((len(texts), self._manifest.embedding_dim), np.float32)
        for at, ids, mask in tokens.batches(texts, TEXT_BATCH):
            rows[at] = encode({"input_ids": ids, "attention_mask": mask})
        return rows

    def embed_labels(
        self, names: list[str], template: str | None = None, *, own: bool = False
    ) -> LabelEmbeddings:
        """Embed labels, each in its template; the last list is remembered.

        Args:
            names: the labels; none at all is an empty answer.
            template: a sentence with ``{}`` where the label goes, by default the bundle's.
            own: whether they are the bundle's own, which its label pack answers for.

        Raises:
            ConfigError: a template without ``{}``, or a label that the pack does not hold where
                there is no text side to read it.
            BundleError: the bundle has no text side, or its text graph fails.
        """
        template = self._manifest.template if template is None else template
        if not names:
            return LabelEmbeddings([], template, np.zeros((0, self._manifest.embedding_dim), "f4"))
        pack = self.pack
        if pack and template == pack.template and (own or self._manifest.text is None):
            return pack.choose(names)
        last = self._last
        if last is None or last.labels != names or last.template != template:
            last = LabelEmbeddings(names, template, self.embed(fill_template(template, names)))
            self._last = last
        return last

    @cached_property
    def pack(self) -> LabelPack | None:
        """The bundle's own label pack, read when labels are first asked for."""
        file, origin = self._manifest.label_pack, self._manifest.provenance.teacher
        if file is None:
            return None
        pack = read_label_pack(self._path / file)
        pack.check_space(origin, self._manifest.embedding_dim)
        return pack

    def _graph(self) -> tuple[Tokens, Encoder]:
        info = self._manifest.text
        if info is None:
            raise BundleError(f"{self._path}: the bundle has no text side; export it with one")
        with self._lock:
            if self._opened is None:
                tokens = Tokens(self._path / info.tokenizer, info.max_tokens)
                self._opened = tokens, self._open(info.graph)
            return self._opened
