"""A CLAP checkpoint as transformers saves it: read for export, refused where it is not whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec
import torch
from tokenizers import Tokenizer

from tinyalm.errors import ConfigError, DataError, ExportError, MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.frontend import LogMelSpec, preset
from tinyalm.models.counting import parameters
from tinyalm_export.teachers.manifest import CLAP, CONFIG, TOKENIZER, Padding

try:
    from huggingface_hub import metadata_load
    from transformers import ClapFeatureExtractor, ClapModel, __version__
    from transformers.utils import logging as transformers_logging
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        f"exporting a teacher needs {_error.name}: {pip_command('distill')}"
    ) from None
if int(__version__.partition(".")[0]) < 5:  # its text tower takes other masks
    raise MissingExtraError(
        f"exporting a teacher needs transformers 5 or later, and {__version__} is installed: "
        "pip install --upgrade transformers"
    )

_PRESETS = {"fusion": "clap-htsat-fused", "rand_trunc": "clap-htsat-unfused"}
_REMEDY = "give a folder that save_pretrained of the model and of its processor wrote"
_PARTS = ("model", "projection")  # of a tower
_SHOWN = 160  # characters of a library's reason that a message repeats


@dataclass(frozen=True)
class TeacherSource:
    """A whole and sound checkpoint.

    Attributes:
        folder: where it lies.
        model: transformers' `ClapModel`, float32, in evaluation mode.
        spec: its log-mel.
        samples: that it hears at once.
        padding: see `tinyalm_export.teachers.manifest.TeacherManifest`.
        tokenizer: content of its tokenizer.json.
    """

    folder: Path
    model: Any
    spec: LogMelSpec
    samples: int
    padding: Padding
    tokenizer: bytes

    @property
    def pad_token_id(self) -> int:
        """What texts are padded with."""
        return int(self.model.config.text_config.pad_token_id)

    @property
    def max_tokens(self) -> int:
        """Longest text; RoBERTa counts positions from the padding's id on."""
        return int(self.model.config.text_config.max_position_embeddings) - self.pad_token_id - 1

    @property
    def dim(self) -> int:
        """Of the embeddings."""
        return int(self.model.config.projection_dim)

    def parameters(self, *, reads: bool) -> int:
        """Of the text tower, or of the one that hears; each with its projection."""
        kind = "text" if reads else "audio"
        return sum(parameters(getattr(self.model, f"{kind}_{part}")) for part in _PARTS)


def teacher_folder(name: str) -> Path:
    """The folder that ``clap:FOLDER`` names, which holds a checkpoint of the right kind.

    Raises:
        ConfigError: no folder, no config in it, or another architecture's.
        DataError: the config is damaged.
    """
    folder = Path(name.removeprefix(CLAP)).expanduser()
    if folder.is_file():
        raise ConfigError(f"{name}: a file of weights, and a folder is exported; {_REMEDY}")
    if not folder.is_dir():
        raise ConfigError(
            f"{name}: no such folder; fetch a checkpoint of the hub with "
            f"'hf download ORGANISATION/MODEL --local-dir FOLDER' and name {CLAP}FOLDER"
        )
    path = folder / CONFIG
    try:
        config = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise ConfigError(f"{folder}: holds no {CONFIG}; {_REMEDY}") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: not a config ({error}); {_REMEDY}") from None
    found = config.get("model_type")
    if found != "clap":
        raise ConfigError(f"{folder}: a checkpoint of {found!r}, not of 'clap'; name another")
    return folder


def stated_licence(folder: Path) -> str:
    """``license`` of the model card in ``folder``; ``unknown`` without one."""
    try:
        card = metadata_load(folder / "README.md") or {}
    except Exception:  # no card, or one that yaml does not understand
        return "unknown"
    stated = card.get("license")
    if stated == "other":
        stated = card.get("license_name") or stated
    return ", ".join(map(str, stated)) if isinstance(stated, list) else str(stated or "unknown")


def read_teacher(folder: Path) -> TeacherSource:
    """Read the checkpoint in ``folder``, see `teacher_folder`.

    Raises:
        ConfigError: no tokenizer or preprocessor settings, or some that are not known.
        DataError: a file is damaged, or the weights are not exactly those of the config.
        ExportError: weights that are no numbers, or towers that do not fit what they are given.
    """
    tokenizer, tokens = _tokenizer(folder)
    spec, samples, padding = _front_end(folder)
    model = _model(folder)
    for name, values in model.state_dict().items():
        if not torch.isfinite(values).all():
            raise ExportError(f"{folder}: {name} holds NaN or infinity; fetch or save it again")
    words = model.config.text_config.vocab_size
    if tokens > words:
        raise ExportError(
            f"{folder / TOKENIZER}: has {tokens} tokens, and the text tower knows {words}; put the "
            "tokenizer of this checkpoint there"
        )
    audio, frames = model.config.audio_config, spec.frames(samples)
    columns = audio.spec_size * (audio.spec_size // audio.num_mel_bins)
    if spec.n_mels != audio.num_mel_bins or frames > columns:
        raise ExportError(
            f"{folder}: its processor makes {frames} frames of {spec.n_mels} bands, and its audio "
            f"tower takes {columns} of {audio.num_mel_bins}; put this checkpoint's own "
            "preprocessor_config.json there"
        )
    return TeacherSource(folder, model, spec, samples, padding, tokenizer)


def _tokenizer(folder: Path) -> tuple[bytes, int]:
    path = folder / TOKENIZER
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{folder}: its text tower has no {TOKENIZER}; write it with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)"
        ) from None
    try:
        return content, Tokenizer.from_str(content.decode()).get_vocab_size()
    except Exception as error:  # tokenizers raises bare Exceptions
        raise DataError(f"{path}: not a tokenizer ({_line(error)}); fetch it again") from None


def _front_end(folder: Path) -> tuple[LogMelSpec, int, Padding]:
    try:
        read: Any = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises almost anything for a damaged file
        raise ConfigError(
            f"{folder}: no preprocessor settings ({_line(error)}); {_REMEDY}"
        ) from None
    if read.truncation not in _PRESETS or read.padding not in get_args(Padding):
        raise ConfigError(
            f"{folder}: truncation {read.truncation!r} and padding {read.padding!r}; known are "
            f"{', '.join(_PRESETS)}; {', '.join(get_args(Padding))}"
        )
    spec = msgspec.structs.replace(
        preset(_PRESETS[read.truncation]),
        sample_rate=read.sampling_rate,
        n_fft=read.fft_window_size,
        win_length=read.fft_window_size,
        hop_length=read.hop_length,
        n_mels=read.feature_size,
        f_min=float(read.frequency_min),
        f_max=float(read.frequency_max),
    )
    return spec, int(read.nb_max_samples), read.padding


def _model(folder: Path) -> Any:  # noqa: ANN401 - transformers has no types
    kind: Any = ClapModel
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    verbosity = transformers_logging.get_verbosity()
    # What it would report is raised below.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers, safetensors and torch raise almost anything here
        raise DataError(
            f"{folder}: its weights cannot be loaded ({_line(error)}); fetch or save them again"
        ) from None
    finally:
        transformers_logging.set_verbosity(verbosity)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if wrong := sorted(map(str, report.get(what, ()))):
            raise DataError(
                f"{folder}: weights and config do not belong together ({len(wrong)} "
                f"{what.replace('_', ' ')}, such as {wrong[0]}); fetch or save them again"
            )
    return model.float().eval()


def _line(error: Exception) -> str:
    """A library's own reason, short enough for a message."""
    return (" ".join(str(error).split()) or type(error).__name__)[:_SHOWN]
