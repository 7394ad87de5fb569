"""The log-mel front end: one spec, its tables, and the reference that executes it."""

from tinyalm.frontend.kernel import LogMelKernel, LogMelStream, kernel
from tinyalm.frontend.presets import PRESETS, preset
from tinyalm.frontend.program import program
from tinyalm.frontend.reference import log_mel
from tinyalm.frontend.spec import LogMelSpec, MelBand
from tinyalm.frontend.tables import mel_bands, mel_filters, window, with_mel_filters

__all__ = [
    "PRESETS",
    "LogMelKernel",
    "LogMelSpec",
    "LogMelStream",
    "MelBand",
    "kernel",
    "log_mel",
    "mel_bands",
    "mel_filters",
    "preset",
    "program",
    "window",
    "with_mel_filters",
]
