"""The GPUs that engines are built for, and which flavour of TensorRT builds for them."""

import re
from collections.abc import Sequence
from typing import Any

from tinyalm.engine_file import ANY_AMPERE, Flavour
from tinyalm.errors import ConfigError, MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.tensorrt import NAMES, gpu, import_tensorrt, installed

CURRENT = "current"


def resolve_gpus(names: Sequence[str]) -> tuple[Flavour, list[str]]:
    """Which flavour of TensorRT builds for the GPUs ``names``, and what they are called.

    Args:
        names: ``sm86`` and the like, or one of ``current``, this machine's, and ``ampere+``.

    Returns:
        flavour: TensorRT for RTX for GPUs that are named, since it needs none of them; the full one
            for those of this machine, where it is installed.
        gpus: ascending, without repetitions.

    Raises:
        ConfigError: a GPU that the flavour does not know.
        MissingExtraError: the flavour is not installed, or there is no GPU to be the current one.
    """
    known = installed()
    here = [name for name in names if name in (CURRENT, ANY_AMPERE)]
    if here and len(names) > 1:
        raise ConfigError(f"--gpu {','.join(names)}: {here[0]} stands alone")
    full = bool(here) and ("tensorrt" in known or ANY_AMPERE in names)
    flavour: Flavour = "tensorrt" if full else "tensorrt-rtx"
    if flavour not in known:
        raise MissingExtraError(
            f"--gpu {','.join(names)} needs {NAMES[flavour]}, which is not installed; "
            + pip_command("tensorrt")
        )
    if here:
        machine = gpu()  # the full flavour times its kernels on it
        names = [machine] if here == [CURRENT] else list(names)
    if flavour == "tensorrt":
        return flavour, list(names)
    buildable = list(capabilities(import_tensorrt(flavour)))
    for name in names:
        if name not in buildable:
            raise ConfigError(
                f"--gpu {name}: {NAMES[flavour]} {known[flavour]} builds for "
                f"{', '.join(buildable)}; for another GPU build on its own machine, with --gpu "
                f"{CURRENT} and the full TensorRT"
            )
    return flavour, sorted(set(names), key=buildable.index)


def capabilities(trt: Any) -> dict[str, Any]:  # noqa: ANN401
    """TensorRT's constants of the GPUs that it builds for, by their names, ascending."""
    known = trt.ComputeCapability.__members__
    found = {name.lower(): value for name, value in known.items() if re.fullmatch(r"SM\d+", name)}
    return dict(sorted(found.items(), key=lambda item: int(item[0][2:])))
