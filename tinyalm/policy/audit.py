"""The audit log: what was asked and refused, without what it was about."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from tinyalm.errors import ConfigError


class AuditLog:
    """JSON Lines, only ever appended to: each line is one write, whatever else writes there.

    No label, text or file name is written. Calls are safe from several threads and processes.

    Args:
        path: the file; made where it is missing, for its owner alone.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def write(self, policy: str, task: str, decision: str, reason: str, count: int) -> None:
        """Append a line.

        Args:
            policy: name of the policy that decided.
            task: what was asked for.
            decision: ``allowed`` or ``refused``.
            reason: its class, such as ``task`` or ``sensitive:age``; empty where it is allowed.
            count: of texts that were asked.

        Raises:
            ConfigError: the file cannot be written; what cannot be logged is not done.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "policy": policy,
            "task": task,
            "decision": decision,
            "reason": reason,
            "count": count,
        }
        raw = json.dumps(line).encode() + b"\n"
        try:
            opened = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # A line that a full disk cut short must not swallow the next one.
                if os.lseek(opened, 0, os.SEEK_END):
                    os.lseek(opened, -1, os.SEEK_END)
                    raw = raw if os.read(opened, 1) == b"\n" else b"\n" + raw
                if os.write(opened, raw) != len(raw):
                    raise OSError(errno.ENOSPC, "the disk is full")
            finally:
                os.close(opened)
        except OSError as error:
            raise ConfigError(
                f"{self._path}: the audit log cannot be written ({error.strerror}), and what is "
                "not logged is not done; make it writable"
            ) from None
