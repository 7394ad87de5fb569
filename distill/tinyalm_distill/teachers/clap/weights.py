"""Files of weights: read without running anything in them, and loaded exactly."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.teachers.source import one_line

# LAION's files also hold the metrics of the training: numpy scalars, which are plain data.
_SCALAR: Any = np.float64(0).__reduce__()[0]
_HARMLESS: list[Any] = [
    _SCALAR,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8")),
]
_WITHIN = ("state_dict", "model")  # where LAION and msclap keep the weights


def read_weights(file: Path) -> dict[str, Tensor]:
    """The named tensors of a checkpoint; code in it is never run.

    Raises:
        DataError: damaged, no checkpoint, or holding code.
    """
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{file}: holds more than weights, or is none ({one_line(error)}); it is not loaded, "
            "since code in it would run; fetch it from its makers"
        ) from None
    except Exception as error:  # torch raises almost anything for a damaged file
        raise DataError(
            f"{file}: truncated, or no checkpoint ({one_line(error)}); fetch it again"
        ) from None
    for key in _WITHIN:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: holds no named weights; name another file")
    return {
        str(key).removeprefix("module."): value
        for key, value in content.items()
        if isinstance(value, Tensor)
    }


def load_strictly(module: nn.Module, weights: Mapping[str, Tensor], made: frozenset[str]) -> None:
    """Load exactly ``weights``.

    Args:
        module: to fill, and to leave in evaluation mode.
        weights: converted ones, by the module's own names.
        made: keys of the module that a checkpoint need not hold, since they are computed.

    Raises:
        ValueError: other keys are missing, or there are some that the module has not.
    """
    found = module.load_state_dict({k: v.float() for k, v in weights.items()}, strict=False)
    missing = sorted(set(found.missing_keys) - made)
    if missing or found.unexpected_keys:
        first = (missing or found.unexpected_keys)[0]
        raise ValueError(
            f"{len(missing)} missing and {len(found.unexpected_keys)} unexpected, such as {first}"
        )
    module.eval()
