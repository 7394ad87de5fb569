"""Checkpoints of CLAP as their makers publish them: one file of weights, without a config."""

from pathlib import Path

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.teachers.clap import laion, msclap
from tinyalm_distill.teachers.clap.towers import Clap
from tinyalm_distill.teachers.clap.weights import read_weights
from tinyalm_distill.teachers.source import one_line


def load_published(file: Path) -> Clap:
    """Load a checkpoint of LAION-CLAP, msclap 2022 or msclap 2023.

    Raises:
        ConfigError: of another architecture, or without its tokenizer beside it.
        DataError: damaged, or holding more than weights.
    """
    weights = read_weights(file)
    for recognises, load in ((laion.recognises, laion.load), (msclap.recognises, msclap.load)):
        if not recognises(weights):
            continue
        try:
            return load(weights, file.parent)
        except (KeyError, IndexError, RuntimeError, ValueError) as error:
            # A key or a shape that the architecture has no place for.
            raise DataError(
                f"{file}: not the weights of {recognises(weights)} ({one_line(error)}); "
                "fetch it again"
            ) from None
    raise ConfigError(
        f"{file}: weights of no architecture that is known; there are LAION-CLAP with HTSAT and "
        "RoBERTa, msclap 2022 and msclap 2023"
    )
