"""Models of transformers from their folders: all of the weights, and nothing else."""

from pathlib import Path
from typing import Any

import msgspec
from transformers.utils import logging as transformers_logging

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.teachers.source import one_line

_CONFIG = "config.json"


def model_type(folder: Path, remedy: str) -> str:
    """The architecture that the config of ``folder`` names.

    Raises:
        ConfigError: there is no config; the message ends with ``remedy``.
        DataError: it is damaged.
    """
    try:
        config = msgspec.json.decode((folder / _CONFIG).read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise ConfigError(f"{folder}: holds no {_CONFIG}; {remedy}") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{folder / _CONFIG}: not a config ({error}); {remedy}") from None
    return str(config.get("model_type"))


def load_model(kind: Any, folder: Path) -> Any:  # noqa: ANN401 - transformers has no types
    """A model of ``kind``, one of transformers' classes, in evaluation mode.

    Raises:
        DataError: the weights are damaged, or not exactly those of the config.
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    verbosity = transformers_logging.get_verbosity()
    # What it would report is raised below.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model, report = kind.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report
        )
    except Exception as error:  # transformers, safetensors and torch raise almost anything here
        raise DataError(
            f"{folder}: its weights cannot be loaded ({one_line(error)}); fetch or save them again"
        ) from None
    finally:
        transformers_logging.set_verbosity(verbosity)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        # A mismatched one comes with its shapes.
        wrong = sorted(one if isinstance(one, str) else one[0] for one in report.get(what, ()))
        if wrong:
            raise DataError(
                f"{folder}: weights and config do not belong together ({len(wrong)} "
                f"{what.replace('_', ' ')}, such as {wrong[0]}); fetch or save them again"
            )
    return model.eval()
