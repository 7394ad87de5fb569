"""Every error that tinyalm raises on purpose.

A message is one line: what is wrong, the value or file, and the remedy. The command line prints it
as it is and exits with status 2.

    TinyalmError
    ├── AudioError      a recording that cannot be used
    ├── BundleError     a bundle that is damaged, foreign, or of another version
    ├── ConfigError     a setting, recipe, or label list that makes no sense
    ├── IndexFileError  an index that is damaged, foreign, or made by another model
    ├── DataError       a manifest, cache, or checkpoint that cannot be used
    ├── FetchError      an asset that cannot be had
    ├── ExportError     a model that cannot be exported as asked
    ├── BenchmarkError  a program that was to be timed and failed
    └── MissingExtraError  an optional part of tinyalm that is not installed
"""


class TinyalmError(Exception):
    """Base of all errors meant for the user; its text is one line with the remedy in it."""


class AudioError(TinyalmError):
    """A recording that cannot be used."""


class BundleError(TinyalmError):
    """A bundle that is damaged, foreign, or of another version."""


class ConfigError(TinyalmError):
    """A setting, recipe, or label list that makes no sense."""


class IndexFileError(TinyalmError):
    """An index that is damaged, foreign, made by another model, or cannot be written."""


class DataError(TinyalmError):
    """A manifest, cache, or checkpoint that cannot be used."""


class FetchError(TinyalmError):
    """An asset that cannot be had."""


class ExportError(TinyalmError):
    """A model that cannot be exported as asked."""


class BenchmarkError(TinyalmError):
    """A program that was to be timed and failed."""


class MissingExtraError(TinyalmError):
    """An optional part of tinyalm that is not installed."""
