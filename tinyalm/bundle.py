"""The bundle: the folder that a device loads, and its manifest `bundle.json` (docs/bundle.md)."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from tinyalm.errors import BundleError, TinyalmError
from tinyalm.frontend import LogMelSpec
from tinyalm.signing import signature_of, verify
from tinyalm.windows import WindowRule

FORMAT_VERSION = 3
MANIFEST = "bundle.json"
SUFFIX = ".tinyalm"
KEY_VARIABLE = "TINYALM_BUNDLE_KEY"


class TensorInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input or output of a graph; a dimension is a size or the name of a dynamic one."""

    name: str
    dtype: str
    shape: list[int | str]


class GraphInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph file of the bundle."""

    file: str
    precision: str
    opset: int
    parameters: int
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]


class TextInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text side: a graph over token ids and the tokenizer that makes them."""

    graph: GraphInfo
    tokenizer: str
    max_tokens: int


class CaptionInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The captioner: a graph that takes one step of a sentence, and the tokenizer of its words."""

    graph: GraphInfo
    tokenizer: str
    max_tokens: int


class Calibration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cosine to probability: ``score = 1 / (1 + exp(-(scale * cosine + bias)))`` (Platt 1999)."""

    scale: float
    bias: float
    pairs: int  # (clip, label) pairs that it was fitted on

    def __post_init__(self) -> None:
        """Refuse scores that would fall as the cosine rises."""
        if not self.scale > 0:
            raise BundleError(f"calibration scale is {self.scale:g}; it must be above 0")


class ParityRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The exported graph against torch, on one batch size and length."""

    batch: int
    samples: int
    max_abs_error: float
    min_cosine: float


class DataSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recordings or texts that the student was taught with."""

    name: str
    clips: int  # recordings, or parts of them; 0 for a file of texts
    licence: str


class Provenance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a student comes from and what it was measured at."""

    teacher: str
    teacher_licence: str
    data: list[DataSource] = []
    recipe: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    created_by: str


class FileInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size and hash of one file of the bundle."""

    bytes: int
    sha256: str


class BundleManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `bundle.json`; ``files`` names every other file of the folder."""

    format_version: int = FORMAT_VERSION
    name: str
    embedding_dim: int
    frontend: LogMelSpec
    program: str
    windows: WindowRule
    audio: GraphInfo
    features: GraphInfo | None = None
    text: TextInfo | None = None
    caption: CaptionInfo | None = None
    labels: list[str] = []
    label_pack: str | None = None
    background: str | None = None
    template: str = "{}"
    calibration: Calibration | None = None
    parity: list[ParityRow] = []
    provenance: Provenance
    files: dict[str, FileInfo] = {}


class _Version(Struct):
    """The one field that every format version has."""

    format_version: int


def read_bundle(
    path: Path, key: str | Path | None = None, *, unsigned: bool = False
) -> BundleManifest:
    """Read and verify the bundle folder at ``path``.

    Args:
        path: the folder.
        key: PEM file of the Ed25519 public key that it must be signed by, see `tinyalm sign`; by
            default that of ``TINYALM_BUNDLE_KEY``, and without one signatures do not count.
        unsigned: no signature is asked for.

    Raises:
        BundleError: no bundle, another format version, an unsafe path, a missing or altered file;
            the message names the file and the remedy.
        ConfigError: it is not signed by ``key``.
        MissingExtraError: a signature is to be checked, and cryptography is not installed.
    """
    manifest_path = path / MANIFEST
    try:
        raw = manifest_path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(
            f"{path}: no bundle here ({MANIFEST} is missing); make one with "
            f"'tinyalm export CHECKPOINT --out NAME{SUFFIX}'"
        ) from None
    except OSError as error:
        raise BundleError(f"{manifest_path}: cannot be read ({error.strerror})") from None
    key = key or os.environ.get(KEY_VARIABLE) or None
    if key is not None and not unsigned:
        verify(manifest_path, raw, key)
    manifest = _decode(raw, manifest_path)
    for name, info in manifest.files.items():
        _verify(path, name, info)
    for name in _used(manifest):
        if name not in manifest.files:
            raise BundleError(f"{manifest_path}: {name} is used but not listed in files; {_REDO}")
    own = MANIFEST, signature_of(Path(MANIFEST)).name
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if name not in (*own, *manifest.files) and not file.is_dir():
            raise BundleError(f"{file}: not one of the bundle's files; remove it or {_REDO}")
    return manifest


def write_bundle(
    path: Path, manifest: BundleManifest, fill: Callable[[Path], None], *, replace: bool = True
) -> BundleManifest:
    """Write a bundle so that ``path`` is either complete or untouched.

    Args:
        path: the bundle folder to make.
        manifest: its manifest; ``files`` is filled in here.
        fill: writes the other files into the folder it is given.
        replace: an existing bundle at ``path`` is replaced; anything else there is refused.

    Returns:
        The manifest as written.
    """
    check_target(path, replace=replace)
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        fill(work)
        files = {
            file.relative_to(work).as_posix(): FileInfo(
                bytes=file.stat().st_size, sha256=_sha256(file)
            )
            for file in sorted(work.rglob("*"))
            if file.is_file()
        }
        manifest = msgspec.structs.replace(manifest, files=files)
        encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        (work / MANIFEST).write_bytes(encoded + b"\n")
        work.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        work.rename(path)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return manifest


def check_target(path: Path, *, replace: bool = True) -> None:
    """Make sure that a bundle may be written at ``path``.

    Raises:
        BundleError: something else is there, or a bundle that must not be replaced.
    """
    if path.exists() and not (replace and (path / MANIFEST).is_file()):
        raise BundleError(f"{path}: exists and is no bundle; choose another name")


_REDO = "export the bundle again or fetch a fresh copy"


def _used(manifest: BundleManifest) -> list[str]:
    """The files that the manifest's fields name."""
    sides = [side for side in (manifest.text, manifest.caption) if side]
    graphs = [manifest.audio, manifest.features, *(side.graph for side in sides)]
    others = [manifest.program, manifest.label_pack, manifest.background]
    others += [side.tokenizer for side in sides]
    return [graph.file for graph in graphs if graph] + [name for name in others if name]


def _decode(raw: bytes, path: Path) -> BundleManifest:
    try:
        version = msgspec.json.decode(raw, type=_Version).format_version
        # Another version's fields mean nothing here, so it is refused before they are read.
        manifest = (
            msgspec.json.decode(raw, type=BundleManifest) if version == FORMAT_VERSION else None
        )
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not a bundle manifest ({error}); {_REDO}") from None
    except TinyalmError as error:
        raise BundleError(f"{path}: {error}; {_REDO}") from None
    if manifest is None:
        remedy = "update tinyalm" if version > FORMAT_VERSION else _REDO
        raise BundleError(
            f"{path}: format version {version}, and this tinyalm reads {FORMAT_VERSION}; {remedy}"
        )
    return manifest


def _verify(root: Path, name: str, info: FileInfo) -> None:
    relative = PurePosixPath(name)
    file = root / relative
    unsafe = relative.is_absolute() or ".." in relative.parts or "\\" in name or ":" in name
    if unsafe or not file.resolve().is_relative_to(root.resolve()):
        raise BundleError(f"{root}: lists {name!r}, a path outside the bundle; do not trust it")
    if not file.is_file():
        raise BundleError(f"{file}: missing from the bundle; {_REDO}")
    if file.stat().st_size != info.bytes or _sha256(file) != info.sha256:
        raise BundleError(f"{file}: altered since the bundle was made (wrong hash); {_REDO}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
