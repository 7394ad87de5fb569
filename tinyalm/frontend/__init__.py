"""The log-mel front end: one spec, its tables, and the reference that executes it."""

from tinyalm.frontend.reference import log_mel
from tinyalm.frontend.spec import PRESETS, LogMelSpec, preset
from tinyalm.frontend.tables import mel_filters, window

__all__ = ["PRESETS", "LogMelSpec", "log_mel", "mel_filters", "preset", "window"]
