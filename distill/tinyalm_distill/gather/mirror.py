"""Verified downloads from Debian's mirrors, by the standard library."""

import hashlib
import http.client
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tinyalm.errors import FetchError
from tinyalm_distill.gather.listing import Package

_TIMEOUT_S = 60
_TRIES = 2  # of each mirror
_CHUNK = 1 << 20


def download(package: Package, mirrors: Sequence[str], target: Path) -> None:
    """Write the verified .deb of ``package`` to ``target``.

    Args:
        package: what to fetch.
        mirrors: roots of archives, tried in order: what has left one may be on the next.
        target: the file to write.

    Raises:
        FetchError: no mirror gives the content that the list names.
        OSError: ``target`` cannot be written.
    """
    reasons = []
    for mirror in mirrors:
        reason: str | None = None
        for _ in range(_TRIES):
            reason = _fetch(f"{mirror.rstrip('/')}/{package.path}", package, target)
            if reason is None:
                return
        reasons.append(f"{mirror}: {reason}")
    raise FetchError(
        f"{package.name} {package.version}: cannot be had ({'; '.join(reasons)}); "
        "check the network, or pin the package anew"
    )


def _fetch(url: str, package: Package, target: Path) -> str | None:
    """Download one file; gives why it failed, or None."""
    digest, size = hashlib.sha256(), 0
    try:
        # The list admits http and https only.
        reply = urllib.request.urlopen(url, timeout=_TIMEOUT_S)  # noqa: S310
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    with reply, target.open("wb") as file:
        while size <= package.size:  # an endless reply would fill the disk
            try:
                chunk = reply.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                return f"broke off after {size} bytes ({error})"
            if not chunk:
                break
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    if digest.hexdigest() != package.sha256:
        return f"other content (SHA-256 {digest.hexdigest()[:12]}…, {size} bytes) than listed"
    return None
