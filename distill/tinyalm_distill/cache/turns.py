"""Who computes what, where several processes fill one cache, with no coordinator among them.

Work comes in groups, which follow from content alone, so that all processes see the same ones. Each
does its own first: of a world of n, the group g is that of process g mod n. Then it takes over what
nobody is at work on, from the other end, and at last waits for those who are still at work, whose
groups it takes over if they die.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.cache.store import Key, cannot_write, key_of

if sys.platform != "win32":
    import fcntl

_FIRST = 8  # bytes of a key that its group follows from


class World(Struct, frozen=True):
    """This process among those that were launched together: number ``rank`` of ``size``."""

    rank: int = 0
    size: int = 1


def world() -> World:
    """Where this process stands, as torchrun and accelerate tell it.

    Raises:
        ConfigError: RANK and WORLD_SIZE contradict each other.
    """
    rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        raise ConfigError(f"RANK is {rank!r} and WORLD_SIZE {size!r}; 0 <= RANK < WORLD_SIZE")
    return World(int(rank), int(size))


def in_groups(keys: Sequence[Key], size: int) -> list[list[Key]]:
    """Keys in groups of about ``size``, by where they lie among all possible keys, and in order."""
    unique = sorted(set(keys))
    count = max(1, -(-len(unique) // size))
    groups: list[list[Key]] = [[] for _ in range(count)]
    for key in unique:
        groups[int.from_bytes(key[:_FIRST], "big") * count >> 8 * _FIRST].append(key)
    return [group for group in groups if group]


class Turns:
    """The groups of keys whose turn it is for this process; a context, which ends all claims.

    A claim is a lock on one byte of a file in the folder, which the system ends with the process.
    Where there are no locks two processes may compute the same, and either result will do.
    """

    def __init__(self, folder: Path) -> None:
        """Claim in ``folder``, which is there.

        Raises:
            DataError: it cannot be written.
        """
        try:
            self._file = (folder / ".claims").open("wb")
        except OSError as error:
            raise DataError(f"{folder}: {cannot_write(error)}") from None
        self._world = world()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def of(self, groups: Sequence[list[Key]]) -> Iterator[list[Key] | None]:
        """The groups as this process comes to them, each claimed until `done`.

        None comes before a group that another process is at work on: to finish all that is in
        hand first keeps two processes from waiting for each other.
        """
        rank, size = self._world.rank, self._world.size
        own = groups[rank::size]
        others = [group for number, group in enumerate(groups) if number % size != rank]
        busy = []
        for group in [*own, *reversed(others)]:
            if self._claim(group, wait=False):
                yield group
            else:
                busy.append(group)
        for group in busy:
            yield None
            self._claim(group, wait=True)
            yield group

    def done(self, group: list[Key]) -> None:
        """End the claim on a group."""
        self._lock(group, "release")

    def _claim(self, group: list[Key], *, wait: bool) -> bool:
        return self._lock(group, "wait" if wait else "try")

    def _lock(self, group: list[Key], how: str) -> bool:
        if sys.platform == "win32":
            return True
        kinds = {
            "try": fcntl.LOCK_EX | fcntl.LOCK_NB,
            "wait": fcntl.LOCK_EX,
            "release": fcntl.LOCK_UN,
        }
        byte = int.from_bytes(key_of(*group)[:7], "big")
        try:
            fcntl.lockf(self._file, kinds[how], 1, byte)
        except (BlockingIOError, PermissionError):  # as POSIX lets systems choose
            return False
        except OSError:  # no locks here
            return True
        return True
