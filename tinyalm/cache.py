"""Where tinyalm keeps what can be fetched or made again."""

import os
from pathlib import Path

from tinyalm.errors import ConfigError


def cache_dir() -> Path:
    """The cache: `TINYALM_CACHE`, else `$XDG_CACHE_HOME/tinyalm`, else `~/.cache/tinyalm`.

    Raises:
        ConfigError: no home folder is known and neither variable is set.
    """
    if own := os.environ.get("TINYALM_CACHE"):
        return Path(own).absolute()
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise ConfigError("no home folder for the cache; set TINYALM_CACHE to a folder") from None
    return Path(base).absolute() / "tinyalm"
