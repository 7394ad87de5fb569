"""A store: rows of arrays by key, in a folder of shards to which rows are only added.

A key names all that its row depends on, so that no row is ever stale, and any two processes that
compute the same row compute the same. Shards come into the folder whole, by renaming; a store that
was open before sees them after `refresh`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinyalm.errors import DataError
from tinyalm_distill.cache.shard import (
    SUFFIX,
    DamagedError,
    arrays_of,
    read_head,
    tidy,
    write_shard,
)

Key: TypeAlias = bytes  # 16 of them
Say: TypeAlias = Callable[[str], None]

_KEY = 16
_ROW_BITS = 32  # of a place, which is a shard and a row in it
_ROWS = (1 << _ROW_BITS) - 1


def key_of(*parts: bytes) -> Key:
    """A key of all ``parts``, each told from the next by its length."""
    digest = hashlib.blake2b(digest_size=_KEY)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


class Store:
    """Rows by key. Each has an entry in every column, and may have a piece, of any length.

    Attributes:
        folder: of the shards, made if it is not there.
        notes: of every shard, what was noted when it was added.
    """

    def __init__(self, folder: Path, of: str, say: Say) -> None:
        """Open the store in ``folder``.

        Args:
            folder: where it is.
            of: what its rows are of; shards of anything else are refused.
            say: told of shards that are damaged, whose rows are computed again.

        Raises:
            DataError: a shard of something else, or a folder that cannot be used.
        """
        self.folder, self._of, self._say = folder, of, say
        self.notes: list[dict[str, str]] = []
        self._shards: list[Path] = []
        self._seen: set[str] = set()
        self._places: dict[Key, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder}: {cannot_write(error)}") from None
        tidy(folder)
        self.refresh()

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def refresh(self) -> None:
        """See the shards that were added since, by this process or another."""
        names = {path.name for path in self.folder.glob(f"[!.]*{SUFFIX}")}
        for name in sorted(names - self._seen):
            self._seen.add(name)
            self._see(self.folder / name)

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Those of ``keys`` that have no row yet, each once, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._places]

    def add(
        self,
        keys: Sequence[Key],
        columns: Mapping[str, NDArray[Any]],
        pieces: Sequence[NDArray[Any]] = (),
        **notes: str,
    ) -> None:
        """Add rows as one shard.

        Args:
            keys: of the rows.
            columns: (len(keys), …) arrays.
            pieces: of each row an array, alike in all but their first dimension; or none at all.
            notes: of the shard, for `notes`.

        Raises:
            DataError: the folder cannot be written; what was added before stays.
        """
        arrays = {"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY), **columns}
        if pieces:
            arrays["pieces"] = np.concatenate(pieces)
            arrays["ends"] = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        path = self.folder / f"{key_of(*keys).hex()}{SUFFIX}"
        try:
            write_shard(path, arrays, {"of": self._of, **notes})
        except OSError as error:
            raise DataError(f"{path}: {cannot_write(error)}") from None
        self._seen.discard(path.name)  # if it was seen before, it was damaged
        self.refresh()

    def column(self, name: str, keys: Sequence[Key]) -> NDArray[Any]:
        """A column's entries of ``keys``, (len(keys), …), in memory.

        Raises:
            KeyError: no such column, or a key without a row.
        """
        places = np.array([self._places[key] for key in keys], np.int64)
        shards, rows = places >> _ROW_BITS, places & _ROWS
        entry = arrays_of(self._shards[int(shards[0])])[name]
        gathered = np.empty((len(keys), *entry.shape[1:]), entry.dtype)
        for shard in np.unique(shards):
            chosen = np.flatnonzero(shards == shard)
            gathered[chosen] = arrays_of(self._shards[int(shard)])[name][rows[chosen]]
        return gathered

    def columns(self) -> set[str]:
        """Names of the columns; none where nothing is stored."""
        own = {"keys", "pieces", "ends"}
        return set(arrays_of(self._shards[0])) - own if self._shards else set()

    def piece(self, key: Key) -> NDArray[Any]:
        """The piece of a row, read-only and mapped from the disk.

        Raises:
            KeyError: a key without a row.
        """
        place = self._places[key]
        row = place & _ROWS
        arrays = arrays_of(self._shards[place >> _ROW_BITS])
        ends = arrays["ends"]
        piece: NDArray[Any] = arrays["pieces"][ends[row - 1] if row else 0 : ends[row]]
        return piece

    def _see(self, path: Path) -> None:
        try:
            notes, keys = read_head(path)
        except DamagedError as error:
            self._say(f"{path}: a damaged shard ({error}); it is removed, its rows computed again")
            path.unlink(missing_ok=True)
            return
        if notes.get("of") != self._of:
            raise DataError(
                f"{path}: a shard of {notes.get('of', 'unknown origin')!r} among those of "
                f"{self._of!r}; move it out of this folder"
            )
        first = len(self._shards) << _ROW_BITS
        self._shards.append(path)
        self.notes.append(notes)
        for row in range(len(keys) // _KEY):
            self._places.setdefault(keys[row * _KEY : (row + 1) * _KEY], first + row)


def cannot_write(error: OSError) -> str:
    """What to say of a cache that cannot be written."""
    return (
        f"cannot be written ({error.strerror}); what was cached before is kept: make room or set "
        "TINYALM_CACHE to another folder, and run the command again"
    )
