"""Order probes: does a model tell "A then B" from "B then A"?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyalm.audio import read
from tinyalm.errors import DataError
from tinyalm_distill.composition import (
    FADE_S,
    LEVEL,
    THEN,
    WHILE,
    at_once,
    in_turn,
    levelled,
    loudest,
)
from tinyalm_distill.evaluation.bootstrap import Statistic
from tinyalm_distill.evaluation.embedders import Embedder
from tinyalm_distill.evaluation.hearing import Heard, Whole, hear
from tinyalm_distill.evaluation.metrics import mean
from tinyalm_distill.evaluation.results import Measurement
from tinyalm_distill.manifest import Clip

PART_S = 2.0  # of each of the two sounds, at most
_PARTS = f"loudest {PART_S} s at {LEVEL}, {FADE_S} s faded"  # what a cached answer depends on
_SAME = 1e-5  # cosines no further apart are the same: float32 rounds in the seventh digit


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clips, each with one label, one after the other or at once."""

    first: Clip
    second: Clip
    at_once: bool = False

    @property
    def key(self) -> str:
        """Of both clips and how they are put together."""
        return f"{Whole(self.first).key} {Whole(self.second).key} {self.at_once} {_PARTS}"

    def waveform(self, sample_rate: int) -> NDArray[np.float32]:
        """The loudest parts of both, of one level, joined or mixed."""
        first, second = (self._part(clip, sample_rate) for clip in (self.first, self.second))
        return at_once(first, second) if self.at_once else in_turn(first, second, sample_rate)

    @staticmethod
    def _part(clip: Clip, sample_rate: int) -> NDArray[np.float32]:
        samples = read(clip.file, sample_rate, start_s=clip.start_s, end_s=clip.end_s)
        return levelled(loudest(samples, sample_rate, PART_S))


def pair_up(clips: Sequence[Clip], count: int) -> list[Pair]:
    """Up to ``count`` pairs of clips with different labels; no clip is in two of them.

    Raises:
        DataError: there is no such pair.
    """
    draw = np.random.default_rng(0)
    single = [clip for clip in clips if len(clip.labels) == 1]
    shuffled = [single[number] for number in draw.permutation(len(single))]
    # Half the list apart in the order of labels: the same label meets itself only where it has more
    # than half of the clips.
    ordered = sorted(shuffled, key=lambda clip: clip.labels)
    half = len(ordered) // 2
    pairs = [
        Pair(*((a, b) if draw.random() < 0.5 else (b, a)))
        for a, b in zip(ordered[:half], ordered[half : 2 * half], strict=True)
        if a.labels != b.labels
    ]
    if not pairs:
        raise DataError("order probes need clips of two labels at least, one label a clip")
    return [pairs[number] for number in sorted(draw.permutation(len(pairs))[:count])]


def order(embedder: Embedder, clips: Sequence[Clip], *, pairs: int = 200) -> Measurement:
    """Choices between two texts or two sounds that differ in the order of two events alone.

    Sounds are made of real clips, as in T-CLAP (arXiv:2404.17806) and CompA (arXiv:2310.08753). A
    choice between equal cosines counts one half, so that chance is 0.5 for every figure. Figures
    are means over pairs, whose clips are all different.

    - order, audio to text: "A then B" sounds; is its text nearer than "B then A"? And reversed.
    - order, text to audio: the text is given; is the sound nearer than the reversed one?
    - then or while: is what sounds in turn nearer to "A then B" than to "A while B", and what
      sounds at once the other way round?
    - content: is "A then B" nearer to its text than to one with another B? What remains if a model
      knows no order.

    Raises:
        DataError: no pairs of labels, or no pair can be used.
    """
    made = pair_up(clips, pairs)
    heard = [
        hear(embedder, sounds, what)
        for sounds, what in (
            (made, "A then B"),
            ([Pair(pair.second, pair.first) for pair in made], "B then A"),
            ([Pair(pair.first, pair.second, at_once=True) for pair in made], "A while B"),
        )
    ]
    used = heard[0].used
    for one in heard[1:]:
        used = np.intersect1d(used, one.used)
    ab, ba, both = (_rows(one, used) for one in heard)
    names = [(made[i].first.labels[0], made[i].second.labels[0]) for i in used]
    turn = embedder.embed_text([THEN[0].format(a, b) for a, b in names])
    turned = embedder.embed_text([THEN[0].format(b, a) for a, b in names])
    together = embedder.embed_text([WHILE[0].format(a, b) for a, b in names])
    blind = float(np.mean(_cosine(turn, turned) > 1 - _SAME))
    return Measurement(
        measure="order",
        model=embedder.name,
        clips=used,
        statistics={
            "order, audio to text": _both(
                _choice(ab, turn, ab, turned), _choice(ba, turned, ba, turn)
            ),
            "order, text to audio": _both(
                _choice(ab, turn, ba, turn), _choice(ba, turned, ab, turned)
            ),
            "then or while": _both(
                _choice(ab, turn, ab, together), _choice(both, together, both, turn)
            ),
            "content": _content(embedder, ab, turn, names),
        },
        facts={"pairs": len(used), "chance": 0.5, "orders with one embedding": blind},
        notes=_notes(blind),
        skipped=heard[0].skipped,
    )


def _notes(blind: float) -> list[str]:
    notes = ["chance is 0.5; equal cosines count one half"]
    if blind:
        notes.append(
            f"{blind:.0%} of the texts have one embedding for both orders: of these pairs the text "
            "side cannot know the order, and audio to text is 0.5 by construction"
        )
    return notes


def _content(
    embedder: Embedder,
    sounds: NDArray[np.float32],
    texts: NDArray[np.float32],
    names: list[tuple[str, str]],
) -> Statistic:
    others = [b for _, b in names]
    wrong = []
    for number, pair in enumerate(names):
        following = others[number + 1 :] + others[:number]
        wrong.append(next((other for other in following if other not in pair), None))
    asked = [f"{a} then {c or b}" for (a, b), c in zip(names, wrong, strict=True)]
    return mean(_choice(sounds, texts, sounds, embedder.embed_text(asked)))


def _both(one: NDArray[np.float64], other: NDArray[np.float64]) -> Statistic:
    return mean((one + other) / 2)


def _choice(
    sound: NDArray[np.float32],
    text: NDArray[np.float32],
    wrong_sound: NDArray[np.float32],
    wrong_text: NDArray[np.float32],
) -> NDArray[np.float64]:
    """1 where sound and text are nearer than the wrong ones, 0.5 where the same, 0 elsewhere."""
    lead = _cosine(sound, text) - _cosine(wrong_sound, wrong_text)
    return np.where(np.abs(lead) <= _SAME, 0.5, (lead > 0).astype(np.float64))


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray((a.astype(np.float64) * b).sum(axis=1))


def _rows(heard: Heard, used: NDArray[np.int64]) -> NDArray[np.float32]:
    return heard.rows[np.searchsorted(heard.used, used)]
