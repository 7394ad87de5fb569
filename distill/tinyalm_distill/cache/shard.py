"""A shard: some rows of a store, in one safetensors file that is mapped, never read as a whole.

Of all shards that rows can be mapped from, only the last used are held open, so that their number
is bounded by no limit of the system.
"""

import contextlib
import functools
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from safetensors.numpy import save

SUFFIX = ".safetensors"
_OPEN = 512  # shards that are mapped at once
_STALE_S = 3600.0  # no shard takes as long to write
_DTYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "U8": "|u1"}

Arrays = dict[str, NDArray[Any]]


class DamagedError(Exception):
    """A file that is no shard, or only a part of one."""


class _Tensor(Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def write_shard(path: Path, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, str]) -> None:
    """Write a shard; ``path`` is there whole or not at all, whatever happens meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    content = save(contiguous, dict(notes))
    handle, partial = tempfile.mkstemp(".partial", f".{path.stem}.", path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave a whole file of zeros
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def tidy(folder: Path) -> None:
    """Remove what processes that were killed left of shards that they were writing."""
    for partial in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):  # somebody else did
            if time.time() - partial.stat().st_mtime > _STALE_S:
                partial.unlink()


def read_head(path: Path) -> tuple[dict[str, str], bytes]:
    """What a shard says of itself, and the bytes of its array ``keys``.

    Raises:
        DamagedError: it is no shard, or truncated.
    """
    try:
        with path.open("rb") as file:
            header, start = _header(file.read(8), file.read)
            notes = msgspec.convert(header.pop("__metadata__", {}), dict[str, str])
            tensors = msgspec.convert(header, dict[str, _Tensor])
            first, last = tensors["keys"].data_offsets
            file.seek(start + first)
            keys = file.read(last - first)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError, KeyError) as error:
        raise DamagedError(str(error)) from None
    whole = start + max(one.data_offsets[1] for one in tensors.values())
    if size != whole:
        raise DamagedError(f"{size} bytes instead of {whole}")
    return notes, keys


@functools.lru_cache(_OPEN)
def arrays_of(path: Path) -> Arrays:
    """The arrays of a shard, read-only and mapped."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    at = 8
    header, start = _header(mapped[:8], lambda size: mapped[at : at + size])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(
            mapped, _DTYPES[one.dtype], int(np.prod(one.shape)), start + one.data_offsets[0]
        ).reshape(one.shape)
        for name, one in msgspec.convert(header, dict[str, _Tensor]).items()
    }


def _header(first: bytes, more: Callable[[int], bytes]) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(first, "little")
    if len(first) < 8 or size > 1 << 26:
        raise ValueError("it has no header")
    return msgspec.json.decode(more(size), type=dict[str, Any]), 8 + size
