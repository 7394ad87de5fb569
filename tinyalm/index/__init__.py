"""Retrieval: find sound by words or by sound, in one SQLite file (docs/retrieval.md)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyalm.index.answers import Hit, IndexInfo, SyncReport
    from tinyalm.index.index import Index
    from tinyalm.index.model_side import ModelSide
    from tinyalm.index.sealing import Key

__all__ = ["Hit", "Index", "IndexInfo", "Key", "ModelSide", "SyncReport"]

_HOME = {"Index": "index", "Key": "sealing", "ModelSide": "model_side"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name on first use, so that tagging never imports SQLite."""
    if name not in __all__:
        raise AttributeError(f"module 'tinyalm.index' has no attribute {name!r}")
    return getattr(import_module(f"tinyalm.index.{_HOME.get(name, 'answers')}"), name)
