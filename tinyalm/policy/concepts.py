"""Nearest concept: whether a text is nearer to a sensitive phrase than to any benign one.

The phrases are those of `phrases.csv`, and AudioSet's names of all sounds but those that people
make, which are benign. `phrases.labels` holds their vectors as `micro` reads them, so that students
of its teacher need not embed them. docs/privacy.md has the error rates.
"""

import csv
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import BundleManifest
from tinyalm.label_pack import LabelPack, read_label_pack
from tinyalm.policy.families import families_of_labels
from tinyalm.policy.rules import CATEGORIES, Category

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

BENIGN = "benign"
_TIE = 1e-4  # of cosines: phrases of which a bundle knows no word are all alike
_NEAR = 0.4  # least cosine: of what is near to nothing, some phrase is the nearest all the same
_HUMAN = ("speech", "voice", "body")
_FOLDER = Path(__file__).parent
_VECTORS = _FOLDER / "phrases.labels"


def phrases() -> list[tuple[str, str]]:
    """Category (or ``benign``) and text of each phrase."""
    with (_FOLDER / "phrases.csv").open(encoding="utf-8", newline="") as file:
        written = [(row["category"], row["phrase"]) for row in csv.DictReader(file)]
    names = families_of_labels().items()
    return written + [(BENIGN, name) for name, family in names if family not in _HUMAN]


class Concepts:
    """The phrases in one embedding space.

    Args:
        manifest: of the bundle whose space it is.
        embed: its text side, for bundles of another teacher than `micro`'s; None where there is
            none, and then nothing of such a bundle is judged.
    """

    def __init__(self, manifest: BundleManifest, embed: Embed | None) -> None:
        self._manifest, self._embed = manifest, embed

    def nearest(self, rows: NDArray[np.float32]) -> list[Category | None]:
        """The sensitive inference that each row is nearest to.

        None where a benign one is nearer, or none is near.

        Args:
            rows: (n, dim) float32 of unit length, embeddings of texts.
        """
        categories, vectors = self._phrases
        if not categories:
            return [None] * len(rows)
        benign = np.array([category is None for category in categories])
        cosines = rows @ vectors.T
        worst = np.where(benign, -np.inf, cosines)
        least = np.maximum(np.where(benign, cosines, -np.inf).max(axis=1) + _TIE, _NEAR)
        nearer = worst.max(axis=1) > least
        best = worst.argmax(axis=1)
        return [categories[at] if one else None for at, one in zip(best, nearer, strict=True)]

    @cached_property
    def _phrases(self) -> tuple[list[Category | None], NDArray[np.float32]]:
        known = phrases()
        texts = [text for _, text in known]
        pack = read_label_pack(_VECTORS)
        if self._shares(pack):
            rows = pack.embeddings
        elif self._embed is not None:
            rows = self._embed(texts)
        else:
            known, rows = [], np.zeros((0, self._manifest.embedding_dim), np.float32)
        return [next((c for c in CATEGORIES if c == name), None) for name, _ in known], rows

    def _shares(self, pack: LabelPack) -> bool:
        mine = self._manifest.provenance.teacher, self._manifest.embedding_dim
        return mine == (pack.teacher, pack.embeddings.shape[1])
