"""What a CLAP model hears: windows of a sound, padded by its rule, as log-mels.

transformers, LAION and msclap cut what is too long at random. Here nothing is drawn: a long sound
is cut into windows spread evenly over it, so that its first one starts where it starts.
"""

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec

Padding = Literal["repeatpad", "repeat", "pad"]
PADDINGS: tuple[Padding, ...] = ("repeatpad", "repeat", "pad")


class ClapFrontEnd(Struct, frozen=True, kw_only=True):
    """The preprocessing of a CLAP checkpoint.

    Attributes:
        spec: its log-mel.
        samples: that it hears at once, at ``spec.sample_rate``.
        padding: what is shorter is repeated as a whole and then zero-padded (``repeatpad``),
            repeated and cut (``repeat``), or zero-padded (``pad``).
        keep_rest: hear a rest of less than a hop after ``samples`` in the same window, as the
            models that fuse crops do; else it is left out.
    """

    spec: LogMelSpec
    samples: int
    padding: Padding
    keep_rest: bool = False

    def windows(self, samples: int) -> list[tuple[int, int]]:
        """Start and stop of every window of a sound of ``samples`` samples, in order.

        As few as cover it, but for a rest of less than a hop; evenly spread, so that the first
        starts and the last ends with the sound.
        """
        count = max(1, -(-(samples - self.spec.hop_length + 1) // self.samples))
        if count == 1:
            return [(0, samples if self.keep_rest else min(samples, self.samples))]
        starts = np.linspace(0, samples - self.samples, count).round().astype(int)
        return [(int(start), int(start) + self.samples) for start in starts]

    def padded(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """A window at the length that the model hears; one that is long enough as it is."""
        if 0 < window.size < self.samples and self.padding == "repeat":
            window = np.tile(window, self.samples // window.size + 1)[: self.samples]
        if 0 < window.size < self.samples and self.padding == "repeatpad":
            window = np.tile(window, self.samples // window.size)
        return np.pad(window, (0, max(0, self.samples - window.size)))
