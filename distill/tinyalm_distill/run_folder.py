"""The folder of a run: claimed before it begins, gone on with after an interrupt."""

from pathlib import Path

import msgspec
from msgspec import Struct

from tinyalm.errors import ConfigError
from tinyalm.models import captioner_checkpoint, checkpoint

RECIPE, STATE = "recipe.json", "training.safetensors"
_FINISHED = (checkpoint.META, captioner_checkpoint.META)


def claim(out: Path, recipe: Struct, *, resume: bool) -> None:
    """Make ``out`` the folder of this run, and write down there what it does.

    Raises:
        ConfigError: it holds something else, or an unfinished run that ``resume`` does not ask for.
    """
    if any((out / name).is_file() for name in _FINISHED):
        raise ConfigError(f"{out}: holds a finished checkpoint; choose another --out")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not resume:
        begun = (out / RECIPE).is_file()
        remedy = "add --resume to go on with it, or choose" if begun else "choose"
        raise ConfigError(f"{out}: is not empty; {remedy} another --out")
    out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(recipe), indent=2)
    (out / RECIPE).write_bytes(encoded + b"\n")
