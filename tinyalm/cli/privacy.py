"""What `tinyalm doctor --privacy` checks: a run of the model, watched from within the process."""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinyalm.errors import TinyalmError
from tinyalm.policy.reading import in_force
from tinyalm.policy.rules import DEFAULT, Policy, PolicyError

OK, NOTE, FAILED = "ok", "note", "FAILED"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "tempfile.mkstemp")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
_CLIENTS = ("requests", "urllib3", "httpx", "aiohttp", "http.client", "huggingface_hub", "ssl")
_TELEMETRY = Path("~/.cache/Microsoft").expanduser()
_DESCRIPTORS = Path("/proc/self/fd")
_SECONDS, _RATE = 3, 16000


class Check(NamedTuple):
    """One thing that was checked.

    Attributes:
        name: what.
        state: ``ok``, ``note`` (worth knowing, not tinyalm's to change), or ``FAILED``.
        said: what was found.
    """

    name: str
    state: str
    said: str


class _Watch:
    """What this process does from now on, as Python's audit events tell (PEP 578)."""

    def __init__(self) -> None:
        self.sockets: list[str] = []
        self.written: list[str] = []
        self.programs: list[str] = []
        self._on = True
        sys.addaudithook(self._hear)

    def stop(self) -> None:
        """Hear no more; a hook cannot be taken out."""
        self._on = False

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if not self._on:
            return
        if event.startswith("socket."):
            self.sockets.append(event)
        elif event in _PROGRAMS:
            self.programs.append(event)
        elif event in _CHANGES or (event == "open" and _writes(args)):
            self.written.append(str(args[0]))


def examine() -> list[Check]:
    """Run the shipped student on a generated sound, and say what that did."""
    before = _descriptors(), _TELEMETRY.exists()
    watch = _Watch()
    try:
        said = _run()
    finally:
        watch.stop()
    opened = {entry: flags for entry, flags in _descriptors().items() if entry not in before[0]}
    sockets = [entry for entry in opened if entry.startswith("socket:")]
    writable = [entry for entry, flags in opened.items() if flags & _WRITING and "/" in entry]
    clients = [name for name in _CLIENTS if name in sys.modules]
    new_id = _TELEMETRY.exists() and not before[1]
    return [
        Check("watched", OK, said),
        _none("sockets", [*watch.sockets, *sockets], "none opened"),
        _none("network clients", clients, "none imported"),
        _none("files written", [*watch.written, *writable], "none"),
        _none("programs started", watch.programs, "none"),
        _none("telemetry", [str(_TELEMETRY)] if new_id else [], _telemetry()),
        _ring(),
        *_system(),
        *_policies(),
    ]


def _run() -> str:
    import tinyalm
    from tinyalm.streaming import EventRule

    noise = np.random.default_rng(0).normal(0, 0.1, _SECONDS * _RATE).astype(np.float32)
    model = tinyalm.load()
    done = []
    asks: dict[str, Callable[[], object]] = {
        "tag": lambda: model.tag(noise, sample_rate=_RATE),
        "tag in words": lambda: model.tag(noise, ["dog barking"], sample_rate=_RATE),
        "listen": lambda: list(model.listen(noise, rule=EventRule(), sample_rate=_RATE)),
    }
    for name, ask in asks.items():
        try:
            ask()
        except PolicyError:
            done.append(f"{name} (refused by the policy)")
        else:
            done.append(name)
    return f"{', '.join(done)}: {_SECONDS} s of noise, by {model.manifest.name}"


def _none(name: str, found: list[str], said: str) -> Check:
    return Check(name, FAILED, ", ".join(found)) if found else Check(name, OK, said)


def _writes(args: tuple[object, ...]) -> bool:
    """Whether an audit event ``open`` (path, mode, flags) opens for writing."""
    _, mode, flags = args
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & _WRITING)


def _descriptors() -> dict[str, int]:
    """What the process has open, with flags; native libraries raise no audit events."""
    found: dict[str, int] = {}
    if not _DESCRIPTORS.is_dir():
        return found
    for entry in list(_DESCRIPTORS.iterdir()):
        try:
            info = Path(f"/proc/self/fdinfo/{entry.name}").read_text()
            found[str(entry.readlink())] = int(info.split("flags:")[1].split()[0], 8)
        except OSError:  # closed since, as is the one that lists them
            continue
    return found


def _telemetry() -> str:
    from tinyalm.telemetry import import_onnxruntime

    version = import_onnxruntime().__version__
    return f"off in onnxruntime {version}; no identifier was written"


def _ring() -> Check:
    from tinyalm.ring_buffer import RingBuffer

    ring = RingBuffer(_RATE)
    ring.write(np.ones(_RATE, np.float32))
    ring.close()
    clean = not ring.last(_RATE).any()
    return Check("ring buffer", OK if clean else FAILED, "zeros once it is closed")


def _system() -> list[Check]:
    """What the system may do with the memory of a process."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[0]
    core = Check("core dumps", OK, "off for this process")
    if limit:
        core = Check("core dumps", NOTE, "on: a crash may write memory to disk; 'ulimit -c 0'")
    swaps = Path("/proc/swaps")
    lines = swaps.read_text().splitlines()[1:] if swaps.exists() else []
    swap = Check("swap", OK, "none")
    if lines:
        names = ", ".join(line.split()[0] for line in lines)
        swap = Check(
            "swap", NOTE, f"{names}: memory may be written to disk; encrypt it or turn off"
        )
    return [core, swap]


def _policies() -> list[Check]:
    try:
        policies = in_force(None)
    except TinyalmError as error:
        return [Check("policy", FAILED, str(error))]
    return [Check("policy", OK, _said(policy)) for policy in policies or (DEFAULT,)]


def _said(policy: Policy) -> str:
    days = policy.retention_days
    sensitive = ", ".join(policy.sensitive) or "none"
    kept = "for ever" if days is None else f"for {days:g} days"
    return (
        f"{policy.name}: tasks {', '.join(policy.tasks) or 'none'}; sensitive inferences "
        f"{sensitive}; speech: {policy.speech}; the index remembers {kept}"
    )
