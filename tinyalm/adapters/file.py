"""The adapter file: a JSON header, arrays, and a hash over both (docs/adapters.md)."""

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinyalm.errors import BundleError

MAGIC = b"tinyalm-adapter\n"
FORMAT_VERSION = 1
MAX_BYTES = 64_000_000  # no adapter is near it, and nothing larger is read into memory
REDO = "make the adapter again or fetch a fresh copy"
_HASH = hashlib.sha256().digest_size
_DTYPE = np.dtype("<f4")


class ArrayInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One array of the file: little-endian float32 in C order."""

    name: str
    shape: list[int]


class EncoderInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The encoder whose embeddings an adapter was made on, and on which alone it means anything."""

    bundle: str
    audio_sha256: str
    embedding_dim: int


class LearnedInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a set of learned labels says about itself."""

    labels: list[str]
    examples: list[int]  # recordings that each label was learned from
    false_alarm: float


class ResidualInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a residual map says about itself."""

    metrics: dict[str, float] = {}


class AdapterHeader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an adapter file says before its arrays; it is a learned set or a residual map."""

    format_version: int = FORMAT_VERSION
    name: str
    encoder: EncoderInfo
    learned: LearnedInfo | None = None
    residual: ResidualInfo | None = None
    arrays: list[ArrayInfo] = []
    created_by: str


class _Version(Struct):
    """The one field that every format version has."""

    format_version: int


def write_file(
    path: Path, header: AdapterHeader, arrays: Mapping[str, NDArray[np.float32]]
) -> None:
    """Write an adapter so that ``path`` is either the old or the new file, whole.

    Args:
        path: the file; its folder must exist.
        header: what the adapter is; its ``arrays`` are filled in here.
        arrays: by name, float32.

    Raises:
        OSError: the file cannot be written.
    """
    infos = [ArrayInfo(name=name, shape=list(array.shape)) for name, array in arrays.items()]
    text = msgspec.json.encode(msgspec.structs.replace(header, arrays=infos))
    body = b"".join(np.ascontiguousarray(array, _DTYPE).tobytes() for array in arrays.values())
    content = MAGIC + len(text).to_bytes(4, "little") + text + body
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content + hashlib.sha256(content).digest())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_file(path: Path) -> tuple[AdapterHeader, dict[str, NDArray[np.float32]]]:
    """Read and verify an adapter file.

    Returns:
        The header, and its arrays by name, float32 and finite.

    Raises:
        BundleError: no adapter file, a damaged one, or one of another format version.
    """
    raw = _bytes(path)
    start = len(MAGIC) + 4
    if not raw.startswith(MAGIC) or len(raw) < start + _HASH:
        raise BundleError(f"{path}: not an adapter file; make one with 'tinyalm learn'")
    content, digest = raw[:-_HASH], raw[-_HASH:]
    if hashlib.sha256(content).digest() != digest:
        raise BundleError(f"{path}: cut short or altered since it was made (wrong hash); {REDO}")
    end = start + int.from_bytes(content[len(MAGIC) : start], "little")
    header = _decode(content[start:end], path)
    arrays, left = {}, memoryview(content)[end:]
    for info in header.arrays:
        if any(size < 0 for size in info.shape):
            raise BundleError(f"{path}: array {info.name!r} has a negative size; {REDO}")
        length = math.prod(info.shape) * _DTYPE.itemsize
        if length > len(left):
            raise BundleError(f"{path}: array {info.name!r} is longer than the file; {REDO}")
        array = np.frombuffer(left[:length], _DTYPE).reshape(info.shape).astype(np.float32)
        if not np.isfinite(array).all():
            raise BundleError(f"{path}: array {info.name!r} holds numbers not finite; {REDO}")
        arrays[info.name], left = array, left[length:]
    if len(left):
        raise BundleError(f"{path}: holds {len(left)} bytes that belong to no array; {REDO}")
    return header, arrays


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: the adapter cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise BundleError(f"{path}: larger than {MAX_BYTES // 10**6} MB, which no adapter is")
    return raw


def _decode(text: bytes, path: Path) -> AdapterHeader:
    try:
        version = msgspec.json.decode(text, type=_Version).format_version
        # Another version's fields mean nothing here, so it is refused before they are read.
        header = (
            msgspec.json.decode(text, type=AdapterHeader) if version == FORMAT_VERSION else None
        )
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not an adapter's header ({error}); {REDO}") from None
    if header is None:
        remedy = "update tinyalm" if version > FORMAT_VERSION else REDO
        raise BundleError(
            f"{path}: adapter version {version}, and this tinyalm reads {FORMAT_VERSION}; {remedy}"
        )
    return header
