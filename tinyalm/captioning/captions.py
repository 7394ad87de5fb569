"""What `tinyalm.Model` has for captions."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyalm.policy.rules import PolicyError

if TYPE_CHECKING:
    from tinyalm.audio import Source
    from tinyalm.bundle import BundleManifest
    from tinyalm.captioning.results import Caption
    from tinyalm.captioning.side import CaptionSide, Style
    from tinyalm.engine import Engine
    from tinyalm.policy.guard import Guard
    from tinyalm.results import WindowEmbeddings
    from tinyalm.text_side import TextSide
    from tinyalm.waveform_encoder import WaveformEncoder


class Captions:
    """Captions of a loaded model."""

    manifest: "BundleManifest"
    _path: Path
    _engine: "Engine"
    _threads: int
    _guard: "Guard"
    _text: "TextSide"
    _audio: "WaveformEncoder"

    def caption(
        self,
        source: "Source",
        *,
        sample_rate: int | None = None,
        beam: int = 4,
        style: "Style" = "short",
    ) -> "Caption":
        """Say in a sentence what a recording holds.

        The recording is cut where it begins to sound otherwise, and each segment has a caption of
        its own. What the sound does not support is taken out of a caption again; where nothing is
        left, or nothing can be heard, the text is ``nothing recognisable``.

        Args:
            source: a file, or samples.
            sample_rate: Hz, of samples; a file knows its own.
            beam: sentences that the search follows at once, to choose among; 1 is quickest.
            style: ``short`` for the names of what sounds, which is right more often, ``full`` for a
                sentence.

        Raises:
            AudioError: the recording cannot be read or holds nothing to hear.
            BundleError: the bundle has no captioner, or a damaged one.
            ConfigError: ``beam`` or ``style`` make no sense.
            PolicyError: a policy does not allow captions, or only certain labels.
        """
        self._guard.ask("caption")
        for policy in self._guard.policies:
            if policy.labels is not None or policy.families is not None:
                raise PolicyError(
                    f"{policy.name}: allows certain labels alone, and a caption is in free words; "
                    "tag instead"
                )
        side = self._captioner
        return side.caption(self._heard(source, sample_rate), self._silence, beam=beam, style=style)

    @cached_property
    def _captioner(self) -> "CaptionSide":
        from tinyalm.captioning.side import CaptionSide  # tagging needs none

        return CaptionSide(self._path, self.manifest, self._engine, self._threads, self._text)

    @cached_property
    def _silence(self) -> NDArray[np.float32]:
        """What the student hears in a window without sound."""
        rule, rate = self.manifest.windows, self.manifest.frontend.sample_rate
        return self._audio(np.zeros(round(rule.length_s * rate), np.float32))

    def _heard(self, source: "Source", sample_rate: int | None = None) -> "WindowEmbeddings":
        raise NotImplementedError
