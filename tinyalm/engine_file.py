"""Engines that were built for one kind of GPU, and the sidecar that says what each is.

They lie beside a bundle and never in it: `micro.tinyalm` is the same everywhere, `micro.engines`
holds what was built from it for some machines (docs/tensorrt.md).
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tinyalm.errors import BundleError

FORMAT_VERSION = 1
FOLDER, PLAN, SIDECAR = ".engines", ".plan", ".json"

Flavour = Literal["tensorrt", "tensorrt-rtx"]
ANY_AMPERE = "ampere+"  # in the place of GPUs: all from compute capability 8.0 on


class Sizes(Struct, frozen=True, forbid_unknown_fields=True):
    """The shapes of one input that a profile takes; kernels are chosen for ``opt``."""

    min: list[int]
    opt: list[int]
    max: list[int]


Profile = dict[str, Sizes]  # by the names of the inputs


class EngineFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engine was built from, with and for; the content of its sidecar.

    Attributes:
        format_version: of this file.
        graph: name of the ONNX file.
        sources: SHA-256 of that file and of those that hold its weights, by name.
        flavour: ``tensorrt``, or ``tensorrt-rtx``, whose engines are not interchangeable.
        tensorrt: version of the library.
        gpus: ``sm89`` and the like, ascending, or `ANY_AMPERE`.
        version_compatible: whether later versions of the library run it, too.
        precision: ``fp32``, ``fp16`` or ``int8``.
        profiles: in the order of the engine's own.
        bytes: size of the engine.
        sha256: of the engine.
        created_by: version of tinyalm.
    """

    format_version: int = FORMAT_VERSION
    graph: str
    sources: dict[str, str]
    flavour: Flavour
    tensorrt: str
    gpus: list[str]
    version_compatible: bool
    precision: str
    profiles: list[Profile]
    bytes: int
    sha256: str
    created_by: str

    def same_build(self, other: "EngineFile") -> bool:
        """Whether both say the same of everything but the engine's bytes."""
        return _key(self) == _key(other)


class _Version(Struct):
    """The one field that every format version has."""

    format_version: int


def engines_folder(bundle: Path) -> Path:
    """Where the engines of a bundle lie: `micro.engines` beside `micro.tinyalm`."""
    return bundle.absolute().with_suffix(FOLDER)


def read_sidecar(path: Path) -> EngineFile:
    """Read the sidecar at ``path``.

    Raises:
        BundleError: it cannot be read, is damaged or of another version.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {REBUILD}") from None
    try:
        version = msgspec.json.decode(raw, type=_Version).format_version
        if version == FORMAT_VERSION:
            return msgspec.json.decode(raw, type=EngineFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not the sidecar of an engine ({error}); {REBUILD}") from None
    raise BundleError(
        f"{path}: sidecar version {version}, and this tinyalm reads {FORMAT_VERSION}; {REBUILD}"
    )


def read_engine(sidecar: Path, info: EngineFile) -> bytes:
    """The engine that ``sidecar``, with the content ``info``, belongs to.

    Raises:
        BundleError: it is missing, cannot be read or was altered.
    """
    path = sidecar.with_suffix(PLAN)
    try:
        plan = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {REBUILD}") from None
    if len(plan) != info.bytes or hashlib.sha256(plan).hexdigest() != info.sha256:
        raise BundleError(f"{path}: altered since it was built (wrong hash); {REBUILD}")
    return plan


def write_engine(path: Path, plan: bytes, info: EngineFile) -> EngineFile:
    """Write an engine to ``path`` and its sidecar beside it, each either whole or not at all.

    The sidecar that was there goes first: an engine never lies beside one that is not its own.

    Returns:
        The sidecar's content: ``info`` with size and hash of ``plan``.

    Raises:
        OSError: it cannot be written; what was there before is gone.
    """
    sidecar = path.with_suffix(SIDECAR)
    info = msgspec.structs.replace(info, bytes=len(plan), sha256=hashlib.sha256(plan).hexdigest())
    encoded = msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    sidecar.unlink(missing_ok=True)
    _write(path, plan)
    _write(sidecar, encoded)
    return info


def file_hash(path: Path) -> str:
    """SHA-256 of the file at ``path``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(info: EngineFile) -> EngineFile:
    return msgspec.structs.replace(info, bytes=0, sha256="")


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    work = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        work.chmod(0o644)
        work.rename(path)
    except BaseException:
        work.unlink(missing_ok=True)
        raise


REBUILD = "build the engine again: tinyalm export BUNDLE --to tensorrt --gpu current"
