"""What an index needs of a model: ears, a reader of texts, and who it is."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyalm.adapters import Attached
from tinyalm.audio import Source
from tinyalm.bundle import BundleManifest
from tinyalm.results import WindowEmbeddings

if TYPE_CHECKING:
    from tinyalm.policy.speech import SpeechRedaction


class ModelSide(NamedTuple):
    """A model as its indexes see it.

    Attributes:
        manifest: of its bundle.
        attached: says which adapters it answers with.
        hear: a recording (and the rate of samples) to the embeddings of its windows.
        read: n texts to (n, dim) float32 of unit length.
        speech: takes speech out of what is stored; None where it is kept.
    """

    manifest: BundleManifest
    attached: Callable[[], Attached]
    hear: Callable[[Source, int | None], WindowEmbeddings]
    read: Callable[[Sequence[str]], NDArray[np.float32]]
    speech: "SpeechRedaction | None"
