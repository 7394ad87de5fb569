"""Speech redaction: what is left of a recording when its speech must not be kept.

A window's embedding tells who speaks and what is said to anybody who trains a linear probe on it.
Taking the directions of speech out of it does not help: the rest tells as much. What helps is to
keep no more of any window than which sound, other than a voice, it is nearest to once it is off
speech. docs/privacy.md has the measurements that the numbers here come from.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import ConfigError
from tinyalm.policy.families import SPEECH, VOICE, labels_of
from tinyalm.policy.rules import PolicyError
from tinyalm.results import WindowEmbeddings, unit_length

Rows = NDArray[np.float32]

_DOMINANT = -0.2  # margin of speech over other sounds from which on it rules a window
_NEAR = 0.4  # least cosine, off speech, to the sound that stands for a window


class SpeechRedaction:
    """Takes speech out, by the labels of one bundle.

    A window's margin is its highest cosine to a label of the family ``speech`` less its highest to
    a label that is no voice.

    Args:
        labels: n of them, AudioSet's among them.
        embed: gives their embeddings, (n, dim) float32 of unit length.
        rules: what the policies want: ``project``, ``drop``, ``refuse``.

    Raises:
        ConfigError: there is no label of speech, or none of other sounds.
    """

    def __init__(
        self, labels: Sequence[str], embed: Callable[[], Rows], rules: Collection[str]
    ) -> None:
        voices = {*labels_of({SPEECH, VOICE})}
        speech = {*labels_of({SPEECH})}
        self._speech = [number for number, label in enumerate(labels) if label in speech]
        self._other = [number for number, label in enumerate(labels) if label not in voices]
        if not self._speech or not self._other:
            raise ConfigError(
                "the bundle has no label of speech, by which the policy could be kept; use a "
                "bundle that has AudioSet's, or a policy with speech = 'keep'"
            )
        self._embed, self._rules = embed, frozenset(rules)

    @property
    def refused(self) -> bool:
        """Whether speech may not be processed at all."""
        return "refuse" in self._rules

    def dominant(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of the windows speech rules, (n,), of embeddings (n, dim) float32."""
        return self._margin(rows) >= _DOMINANT

    def answerable(self, windows: WindowEmbeddings) -> WindowEmbeddings:
        """The windows that may be answered for.

        Raises:
            PolicyError: speech is refused, and there is nothing else.
        """
        if not self.refused:
            return windows
        kept = chosen(windows, ~self.dominant(windows.heard))
        if kept is None:
            raise PolicyError("the recording is speech, which the policy does not let be processed")
        return kept

    def stored(self, windows: WindowEmbeddings) -> WindowEmbeddings | None:
        """What an index may store of a recording; None for nothing."""
        left: WindowEmbeddings | None = windows
        if self._rules & {"drop", "refuse"}:
            left = chosen(windows, ~self.dominant(windows.heard))
        if left is None or "project" not in self._rules:
            return left
        cosines = self._off_speech(left.heard) @ self._sounds.T
        stand_ins = self._sounds[cosines.argmax(axis=1)]
        projected = WindowEmbeddings(left.start_s, left.end_s, stand_ins)
        return chosen(projected, cosines.max(axis=1) >= _NEAR)

    def _margin(self, rows: Rows) -> Rows:
        cosines = rows @ self._labels.T
        speech, other = cosines[:, self._speech], cosines[:, self._other]
        margin: Rows = speech.max(axis=1) - other.max(axis=1)
        return margin

    def _off_speech(self, rows: Rows) -> Rows:
        """Rows less what of them lies in the space that the labels of speech span."""
        return np.asarray(rows - (rows @ self._directions.T) @ self._directions, np.float32)

    @cached_property
    def _labels(self) -> Rows:
        return self._embed()

    @cached_property
    def _directions(self) -> Rows:
        spanned = np.linalg.svd(self._labels[self._speech], full_matrices=False)[2]
        return np.asarray(spanned, np.float32)

    @cached_property
    def _sounds(self) -> Rows:
        """(m, dim): the labels that are no voice, off speech, of unit length."""
        return unit_length(self._off_speech(self._labels[self._other]))


def chosen(windows: WindowEmbeddings, which: NDArray[np.bool_]) -> WindowEmbeddings | None:
    """Some of the windows; None where there are none."""
    if not which.any():
        return None
    own = windows.unadapted
    return WindowEmbeddings(
        windows.start_s[which],
        windows.end_s[which],
        windows.embeddings[which],
        None if own is None else own[which],
    )
