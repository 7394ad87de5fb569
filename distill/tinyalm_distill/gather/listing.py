"""The list of packages that `tinyalm distill gather` reads: what, from where, of which content."""

from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tinyalm.errors import DataError

Kind = Literal["effects", "music", "speech", "instruments", "reserved"]
"""What a package mostly holds; of ``reserved`` ones nothing is taken, nor what equals it."""


class Package(Struct, frozen=True, forbid_unknown_fields=True):
    """One pinned package.

    Attributes:
        name: the package's name.
        version: its version.
        path: of the .deb below a mirror's root.
        size: bytes of the .deb.
        sha256: of the .deb, 64 hexadecimal digits.
        licence: short, of the sounds in it.
        kind: what it mostly holds.
    """

    name: str
    version: str
    path: str
    size: int
    sha256: str
    licence: str
    kind: Kind


class Listing(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole list.

    Attributes:
        mirrors: roots of Debian archives, http or https, tried in order.
        packages: in the order in which they come before each other where recordings are equal.
    """

    mirrors: list[str]
    packages: list[Package]


def read_listing(path: Path) -> Listing:
    """Read and check a list.

    Raises:
        DataError: it is missing, not a list, or holds a value that makes no sense.
    """
    try:
        listing = msgspec.json.decode(path.read_bytes(), type=Listing)
    except (OSError, msgspec.MsgspecError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: not a list of packages ({reason}); see docs/gather.md") from None
    for mirror in listing.mirrors:
        if urlsplit(mirror).scheme not in ("http", "https"):
            raise DataError(f"{path}: mirror {mirror!r} is no http or https address")
    if not listing.mirrors or not listing.packages:
        raise DataError(f"{path}: names no mirror or no package")
    seen: set[str] = set()
    for package in listing.packages:
        _check(package, path)
        if package.name in seen:
            raise DataError(f"{path}: package {package.name} is listed twice")
        seen.add(package.name)
    return listing


def _check(package: Package, path: Path) -> None:
    """Refuse what would lead out of the folder or cannot be verified."""
    if not package.name or not set(package.name) <= _NAME:
        raise DataError(f"{path}: {package.name!r} is no name of a package")
    if ".." in PurePosixPath(package.path).parts or package.path.startswith("/"):
        raise DataError(f"{path}: {package.name}: path {package.path!r} leads out of the mirror")
    if len(package.sha256) != 64 or not set(package.sha256) <= set("0123456789abcdef"):
        raise DataError(f"{path}: {package.name}: sha256 {package.sha256!r} is not 64 hex digits")


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+-.")
