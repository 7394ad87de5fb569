"""What an exported teacher's folder holds, and how well it was proven."""

import hashlib
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tinyalm.bundle import FileInfo, GraphInfo
from tinyalm.frontend import LogMelSpec

CLAP = "clap:"  # before the folder, in a teacher's name
MANIFEST, CONFIG, TOKENIZER = "teacher.json", "config.json", "tokenizer.json"
AUDIO, FEATURES, TEXT = "audio.onnx", "features.onnx", "text.onnx"
FORMAT_VERSION = 1

Padding = Literal["repeatpad", "repeat", "pad"]


class Parity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One graph against torch on one batch: ``length`` samples, frames or tokens a row."""

    graph: str
    batch: int
    length: int
    max_abs_error: float
    min_cosine: float


class TeacherManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `teacher.json`.

    Attributes:
        format_version: of this file.
        name: of the teacher, as `tinyalm distill` has it.
        licence: as its model card states it, else ``unknown``.
        embedding_dim: of both towers' embeddings, which are of unit length.
        frontend: what makes the log-mel of a window.
        window_samples: samples of a window; what follows them is not heard.
        padding: how a shorter waveform becomes a window: repeated as a whole and then zero-padded
            (``repeatpad``), repeated and cut (``repeat``), or zero-padded (``pad``).
        max_tokens: that the text tower reads.
        pad_token_id: what ``input_ids`` are padded with; their positions are counted by it.
        graphs: the ONNX files.
        largest_error: the proof's tolerance for any number of an embedding.
        lowest_cosine: the proof's tolerance for any embedding.
        parity: what the proof measured.
        versions: of the libraries that made the graphs.
        files: size and SHA-256 of every other file of the folder.
    """

    format_version: int = FORMAT_VERSION
    name: str
    licence: str
    embedding_dim: int
    frontend: LogMelSpec
    window_samples: int
    padding: Padding
    max_tokens: int
    pad_token_id: int
    graphs: list[GraphInfo]
    largest_error: float
    lowest_cosine: float
    parity: list[Parity]
    versions: dict[str, str]
    files: dict[str, FileInfo]


def file_info(path: Path) -> FileInfo:
    """Size and SHA-256 of the file at ``path``."""
    with path.open("rb") as file:
        return FileInfo(
            bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )
