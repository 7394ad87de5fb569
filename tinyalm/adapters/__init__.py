"""Adapters: kilobytes beside a frozen student that teach it new sounds (docs/adapters.md)."""

from tinyalm.adapters.attached import Attached, learned_of, residual_of, with_adapter, without
from tinyalm.adapters.file import EncoderInfo
from tinyalm.adapters.learned import LearnedLabels
from tinyalm.adapters.residual import ResidualMap
from tinyalm.adapters.store import Adapter, check_encoder, encoder_of, load_adapter, save_adapter

__all__ = [
    "Adapter",
    "Attached",
    "EncoderInfo",
    "LearnedLabels",
    "ResidualMap",
    "check_encoder",
    "encoder_of",
    "learned_of",
    "load_adapter",
    "residual_of",
    "save_adapter",
    "with_adapter",
    "without",
]
