"""Compact audio-language models on the device: tag, retrieve and caption sound.

import tinyalm
model = tinyalm.load()
model.tag("street.wav", ["dog barking", "rain"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyalm.captioning.results import Caption
    from tinyalm.errors import TinyalmError
    from tinyalm.frontend import LogMelSpec
    from tinyalm.label_pack import LabelPack, read_label_pack
    from tinyalm.labels import LabelEmbeddings
    from tinyalm.model import Model, load
    from tinyalm.results import ClipTags, Segment, Tag, WindowEmbeddings
    from tinyalm.streaming import Event, EventRule, Hysteresis, Session

__version__ = "0.1.0"

_HOME = {
    "Caption": "tinyalm.captioning.results",
    "ClipTags": "tinyalm.results",
    "Event": "tinyalm.streaming",
    "EventRule": "tinyalm.streaming",
    "Hysteresis": "tinyalm.streaming",
    "LabelEmbeddings": "tinyalm.labels",
    "LabelPack": "tinyalm.label_pack",
    "LogMelSpec": "tinyalm.frontend",
    "Model": "tinyalm.model",
    "Segment": "tinyalm.results",
    "Session": "tinyalm.streaming",
    "Tag": "tinyalm.results",
    "TinyalmError": "tinyalm.errors",
    "WindowEmbeddings": "tinyalm.results",
    "load": "tinyalm.model",
    "read_label_pack": "tinyalm.label_pack",
}

__all__ = [
    "Caption",
    "ClipTags",
    "Event",
    "EventRule",
    "Hysteresis",
    "LabelEmbeddings",
    "LabelPack",
    "LogMelSpec",
    "Model",
    "Segment",
    "Session",
    "Tag",
    "TinyalmError",
    "WindowEmbeddings",
    "load",
    "read_label_pack",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name on first use, so that `import tinyalm` costs a device nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'tinyalm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
