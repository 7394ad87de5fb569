"""Recordings inside other files: WebDataset's tar shards, and Parquet with a column of audio.

Both are unpacked into the cache, once, so that every clip is a file: what is decoded of it there
takes several times the room.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec

from tinyalm.audio import SUFFIXES
from tinyalm.cache import cache_dir
from tinyalm.errors import DataError
from tinyalm_distill.cache import key_of
from tinyalm_distill.workspace import workspace

TAR = ".tar"
_ROWS = "rows.jsonl"
_AUDIO = "audio"  # the column of a Parquet file: bytes, or bytes and path as Hugging Face has it
_BATCH = 64  # rows of a Parquet file that are held at once

Row: TypeAlias = dict[str, Any]


def unpacked_tar(path: Path) -> tuple[list[Row], Path]:
    """The samples of a WebDataset shard, as rows of a manifest, and the folder of their audio.

    A sample is the members that share a name up to its first dot: one of audio, and if there are,
    ``json`` with columns of a manifest (``text`` is a caption) and ``txt``, a caption.

    Raises:
        DataError: it is no tar file, or truncated.
    """
    try:
        return _once(path, _from_tar)
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{path}: not a tar file, or truncated ({error}); copy it again") from None


def unpacked_parquet(path: Path) -> tuple[list[Row], Path] | None:
    """The rows of a Parquet file that holds audio, and the folder of it; None where it holds none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file, or damaged.
    """
    import pyarrow.parquet as parquet  # slow to import, and seldom wanted

    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
    return _once(path, _from_parquet) if _AUDIO in names and "file" not in names else None


def _once(path: Path, unpack: Callable[[Path, Path], Iterator[Row]]) -> tuple[list[Row], Path]:
    stat = path.stat()
    state = f"{path.absolute()} {stat.st_size} {stat.st_mtime_ns}"
    root = cache_dir() / "distill" / "unpacked"
    folder = root / f"{path.stem}-{key_of(state.encode()).hex()[:16]}"
    if not folder.is_dir():
        try:
            with workspace(root, lambda: None) as work:
                if not folder.is_dir():  # another process may have been at it
                    lines = [msgspec.json.encode(row) for row in unpack(path, work)]
                    (work / _ROWS).write_bytes(b"\n".join(lines))
                    work.rename(folder)
        except OSError as error:
            if error.filename == str(path):
                raise
            raise DataError(
                f"{path}: cannot be unpacked into {root} ({error.strerror}); make room or set "
                "TINYALM_CACHE to another folder"
            ) from None
    lines = (folder / _ROWS).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines], folder


def _from_tar(path: Path, folder: Path) -> Iterator[Row]:
    key, row = "", dict[str, Any]()
    with tarfile.open(path, "r:") as archive:
        for number, member in enumerate(archive):
            content = archive.extractfile(member)
            if content is None:  # a folder, or a link
                continue
            name = Path(member.name).name
            stem, _, kind = name.partition(".")
            sample = str(Path(member.name).with_name(stem))
            if sample != key:
                if "file" in row:
                    yield row
                key, row = sample, dict[str, Any]()
            if f".{kind.rpartition('.')[2].lower()}" in SUFFIXES:
                row["file"] = _written(folder, f"{number:06d}-{name}", content, member.size)
            elif kind == "json":
                row = _described(content.read(), f"{path}: {member.name}") | row
            elif kind == "txt":
                row["caption"] = content.read().decode("utf-8", "replace").strip()
    if "file" in row:
        yield row


def _described(content: bytes, label: str) -> Row:
    try:
        row = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise DataError(f"{label}: not an object of JSON ({error})") from None
    row.pop("file", None)
    if "text" in row:
        row.setdefault("caption", row["text"])
    return row


def _written(folder: Path, name: str, content: IO[bytes], size: int) -> str:
    with (folder / name).open("wb") as file:
        shutil.copyfileobj(content, file)
        if file.tell() != size:
            raise EOFError(f"{name} has {file.tell()} bytes of {size}")
    return name


def _from_parquet(path: Path, folder: Path) -> Iterator[Row]:
    import pyarrow.parquet as parquet

    number = 0
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH):
            for row in batch.to_pylist():
                number += 1
                audio = row.pop(_AUDIO)
                given = audio if isinstance(audio, dict) else {"bytes": audio}
                if not isinstance(given.get("bytes"), bytes):
                    raise DataError(f"{path}: row {number}: the column {_AUDIO!r} holds no bytes")
                name = f"{number:06d}-{Path(given.get('path') or _AUDIO).name}"
                (folder / name).write_bytes(given["bytes"])
                yield row | {"file": name}
