"""The checkpoint of a captioner: the folder that `tinyalm distill caption` leaves.

captioner.json         what it is
captioner.safetensors  weights
tokenizer.json         its vocabulary
examples.safetensors   embeddings of held-out captions, which an export is proven on
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from tinyalm.captioning.vocabulary import SPECIAL
from tinyalm.errors import DataError, TinyalmError
from tinyalm.models.captioner import Captioner, CaptionerConfig

FORMAT_VERSION = 1
META, WEIGHTS = "captioner.json", "captioner.safetensors"
TOKENIZER, EXAMPLES = "tokenizer.json", "examples.safetensors"
_REDO = "make it again with 'tinyalm distill caption'"


class CaptionerMeta(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `captioner.json`.

    Attributes:
        format_version: of the checkpoint.
        name: of the captioner.
        teacher: whose embeddings it was taught with.
        config: its shape.
        metrics: measurements by name.
        licences: of the captions it was taught.
        created_by: program and version.
    """

    format_version: int = FORMAT_VERSION
    name: str
    teacher: str
    config: CaptionerConfig
    metrics: dict[str, float] = {}
    licences: list[str] = []
    created_by: str


@dataclass(frozen=True, slots=True, eq=False)
class TrainedCaptioner:
    """A whole checkpoint.

    Attributes:
        meta: what it is.
        captioner: in evaluation mode.
        tokenizer: of its vocabulary.
        examples: (n, embedding_dim) float32 of unit length, at least one.
    """

    meta: CaptionerMeta
    captioner: Captioner
    tokenizer: Tokenizer
    examples: Tensor


def save_captioner(
    folder: Path, meta: CaptionerMeta, captioner: Captioner, tokenizer: Tokenizer, examples: Tensor
) -> None:
    """Write a checkpoint into ``folder``, `captioner.json` last: with it the checkpoint is whole.

    Args:
        folder: made if need be.
        meta: what the captioner is.
        captioner: with its weights.
        tokenizer: of its vocabulary.
        examples: (n, embedding_dim) float32 of unit length, of sentences it was not taught.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / META).unlink(missing_ok=True)
    weights = {name: value.contiguous() for name, value in captioner.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    save_file({"embeddings": examples.half()}, folder / EXAMPLES)
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    partial = folder / f".{META}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")
    partial.replace(folder / META)


def load_captioner(folder: Path) -> TrainedCaptioner:
    """Read the checkpoint in ``folder``.

    Raises:
        DataError: no checkpoint, another version, weights that do not fit it exactly, or a
            vocabulary that is not its own.
    """
    path = folder / META
    try:
        meta = msgspec.json.decode(path.read_bytes(), type=CaptionerMeta)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{folder}: no finished captioner here ({META} is missing); {_REDO}"
        ) from None
    except (msgspec.MsgspecError, TinyalmError, OSError) as error:
        raise DataError(f"{path}: not a captioner ({error}); {_REDO}") from None
    if meta.format_version != FORMAT_VERSION:
        raise DataError(
            f"{path}: version {meta.format_version}, and this tinyalm reads {FORMAT_VERSION}; "
            f"{_REDO}"
        )
    captioner = Captioner(meta.config)
    try:
        captioner.load_state_dict(load_file(folder / WEIGHTS), strict=True)
        examples = load_file(folder / EXAMPLES)["embeddings"].float()
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{folder}: weights or examples cannot be loaded ({reason}); {_REDO}"
        ) from None
    tokenizer = _tokenizer(folder / TOKENIZER, meta.config.vocabulary)
    if examples.ndim != 2 or not len(examples) or examples.shape[1] != meta.config.embedding_dim:
        raise DataError(
            f"{folder / EXAMPLES}: not embeddings that this captioner is given; {_REDO}"
        )
    return TrainedCaptioner(meta, captioner.eval(), tokenizer, F.normalize(examples, dim=-1))


def _tokenizer(path: Path, vocabulary: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing more precise
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a tokenizer ({reason}); {_REDO}") from None
    first = tuple(tokenizer.id_to_token(number) for number in range(len(SPECIAL)))
    if tokenizer.get_vocab_size() != vocabulary or first != SPECIAL:
        raise DataError(
            f"{path}: not the vocabulary of this captioner, of {vocabulary} tokens after "
            f"{' '.join(SPECIAL)}; put its own there"
        )
    return tokenizer
