"""The captioner's graph, and the search for the best sentence that it can say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import CaptionInfo
from tinyalm.captioning.vocabulary import END, SPECIAL
from tinyalm.engine import Engine
from tinyalm.errors import BundleError

LENGTH_PENALTY = 0.7  # exponent of the length that a sentence's log probability is divided by
_NGRAM = 3  # tokens in a row that a sentence never says twice

Floats = NDArray[np.float32]
# (batch, 0 or 1, dim) embedding, (batch, 1) ids, past -> (batch, vocabulary) logits, past
Step = Callable[[Floats, NDArray[np.int64], Floats], tuple[Floats, Floats]]


class CaptionGraph:
    """The opened step graph. Calls are safe from several threads.

    Args:
        bundle: the bundle's folder.
        info: its captioner.
        dim: size of the embeddings that it is given.
        engine: executes the graph.
        threads: CPU threads that one call uses.

    Raises:
        BundleError: the graph cannot be opened or is no captioner of such embeddings.
    """

    def __init__(
        self, bundle: Path, info: CaptionInfo, dim: int, engine: Engine, threads: int
    ) -> None:
        self._path = bundle / info.graph.file
        shapes = {tensor.name: tensor.shape for tensor in (*info.graph.inputs, *info.graph.outputs)}
        try:
            layers, two, _, heads, _, size = shapes["past"]
            sizes = [layers, two, heads, size, shapes["logits"][-1]]
            ok = shapes["embedding"][-1] == dim and {"input_ids", "present"} <= set(shapes)
        except (KeyError, ValueError, IndexError):
            sizes, ok = [], False
        whole = [size for size in sizes if isinstance(size, int)]
        if not ok or len(whole) != 5 or whole[1] != 2:
            raise BundleError(
                f"{self._path}: the manifest does not describe a captioner of {dim} numbers; "
                f"{_REMEDY}"
            )
        layers, _, heads, size, self.vocabulary = whole
        self._past = layers, 2, 1, heads, 0, size
        self._graph = engine.open(self._path, threads=threads)

    def nothing(self) -> Floats:
        """The past of a sentence that has not begun."""
        return np.zeros(self._past, np.float32)

    def __call__(
        self, embedding: Floats, ids: NDArray[np.int64], past: Floats
    ) -> tuple[Floats, Floats]:
        """One step; see `Step`.

        Raises:
            BundleError: the graph fails, or answers with something else than the manifest says.
        """
        answer = self._graph.run({"embedding": embedding, "input_ids": ids, "past": past})
        logits: NDArray[Any] | None = answer.get("logits")
        present = answer.get("present")
        wanted = (*ids.shape, self.vocabulary)
        if logits is None or present is None or logits.shape != wanted:
            raise BundleError(f"{self._path}: does not answer as the manifest says; {_REMEDY}")
        if not np.isfinite(logits).all():
            raise BundleError(f"{self._path}: answers with numbers that are none; {_REMEDY}")
        return logits[:, -1], present


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was said: token ids without the first and `END`, and their mean log probability."""

    ids: list[int]
    score: float


@dataclass(slots=True)
class _Beam:
    """Sentences in the making: (n, tokens) ids, (n,) summed log probabilities, and their past."""

    ids: NDArray[np.int64]
    sums: NDArray[np.float64]
    past: Floats
    finished: list[Sentence] = field(default_factory=list)


def search(
    step: Step,
    embedding: Floats,
    past: Floats,
    start: int,
    *,
    beam: int,
    max_tokens: int,
    length_penalty: float = LENGTH_PENALTY,
) -> list[Sentence]:
    """The sentences that beam search finds, the best one first; a beam of 1 is greedy search.

    A sentence's score is the sum of its tokens' log probabilities over its length to the power of
    ``length_penalty`` (arXiv:1609.08144, eq. 14, without its constant).

    Args:
        step: scores what comes next.
        embedding: (dim,) float32 of unit length, what is to be said.
        past: of a beginning, batch 1.
        start: first token.
        beam: sentences that are followed at once, at least 1.
        max_tokens: of a sentence, the first and `END` included.
        length_penalty: 0 prefers short sentences.
    """
    live = _Beam(np.array([[start]]), np.zeros(1), past)
    given = embedding[None, None].astype(np.float32)
    for length in range(1, max_tokens):
        logits, live.past = step(given, live.ids[:, -1:], live.past)
        given = np.zeros((1, 0, embedding.size), np.float32)
        _advance(live, _log_probabilities(logits, live.ids), beam, length**length_penalty)
        if not len(live.sums) or _decided(live, beam, length**length_penalty):
            break
        given = np.repeat(given, len(live.sums), axis=0)
    longest = live.ids.shape[1] - 1
    live.finished += [
        Sentence(ids[1:].tolist(), float(total / longest**length_penalty))
        for ids, total in zip(live.ids, live.sums, strict=True)
    ]
    return sorted(live.finished, key=lambda sentence: -sentence.score)


def _advance(live: _Beam, likely: NDArray[np.float64], beam: int, norm: float) -> None:
    """Let each sentence go on with the tokens that make the best ones."""
    totals = (live.sums[:, None] + likely).ravel()
    # Twice as many as are followed: at most half of them end here.
    count = min(2 * beam, totals.size)
    best = np.argpartition(-totals, count - 1)[:count]
    best = best[np.argsort(-totals[best], kind="stable")]
    kept = []
    for rank, place in enumerate(best[np.isfinite(totals[best])].tolist()):
        row, token = divmod(place, likely.shape[1])
        if token != END:
            kept.append(place)
        elif rank < beam:  # an ending counts only where going on would
            live.finished.append(Sentence(live.ids[row, 1:].tolist(), float(totals[place] / norm)))
    if beam == 1 and live.finished:
        kept = []
    rows, tokens = np.divmod(np.array(kept[:beam], np.int64), likely.shape[1])
    live.ids = np.concatenate([live.ids[rows], tokens[:, None]], axis=1)
    live.sums, live.past = totals[kept[:beam]], live.past[:, :, rows]


def _decided(live: _Beam, beam: int, norm: float) -> bool:
    """Whether as many sentences have ended as are followed, and none that goes on is better."""
    if len(live.finished) < beam:
        return False
    return max(one.score for one in live.finished) >= float(live.sums.max() / norm)


def _log_probabilities(logits: Floats, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each next token, (n, vocabulary); -inf for what must not be said."""
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    likely: NDArray[np.float64] = exact - np.log(np.exp(exact).sum(axis=1, keepdims=True))
    likely[:, [n for n in range(len(SPECIAL)) if n != END]] = -np.inf
    for row, said in zip(likely, ids.tolist(), strict=True):
        row[said[-1]] = -np.inf
        row[_repeated(said)] = -np.inf
    if ids.shape[1] == 1:
        likely[:, END] = -np.inf  # no sentence is empty
    return likely


def _repeated(said: list[int]) -> list[int]:
    """Tokens that would say again what stood behind the last ones before."""
    last = said[1 - _NGRAM :]
    starts = range(1, len(said) - _NGRAM + 1)
    return [said[at + _NGRAM - 1] for at in starts if said[at : at + _NGRAM - 1] == last]


_REMEDY = "export the bundle again"
