"""The adapters of one model: which it answers with now, changed by one thread at a time."""

from pathlib import Path
from threading import Lock

from tinyalm.adapters import (
    Adapter,
    Attached,
    EncoderInfo,
    check_encoder,
    load_adapter,
    with_adapter,
    without,
)


class Attachments:
    """The adapters of a model.

    Args:
        encoder: what they must have been made on.
    """

    def __init__(self, encoder: EncoderInfo) -> None:
        self._encoder = encoder
        self._now: Attached = ()
        self._lock = Lock()

    @property
    def now(self) -> Attached:
        """Those that are attached; the tuple never changes."""
        return self._now

    def checked(self, adapter: Adapter | str | Path) -> Adapter:
        """The adapter, read where it is a file.

        Raises:
            BundleError: the file is damaged, or the adapter was made on another encoder.
        """
        if not isinstance(adapter, Adapter):
            adapter = load_adapter(adapter)
        check_encoder(adapter, self._encoder)
        return adapter

    def add(self, adapter: Adapter) -> None:
        """Attach it in the place of what it replaces.

        Raises:
            ConfigError: another attached set has one of its labels.
        """
        with self._lock:
            self._now = with_adapter(self._now, adapter)

    def remove(self, name: str | None) -> None:
        """Take the adapter ``name`` off, or all.

        Raises:
            ConfigError: no adapter of this name is attached.
        """
        with self._lock:
            self._now = without(self._now, name)
