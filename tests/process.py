"""The command line as a process of its own, as users start it."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-c", "from tinyalm.cli.main import run; run()")


def environment(home: Path | None = None, **variables: str) -> dict[str, str]:
    """This process's environment without tinyalm's variables, with ``variables`` set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TINYALM_", "ORT_"))}
    return kept | ({"HOME": str(home)} if home else {}) | variables


def tinyalm(
    *args: object, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """Run ``tinyalm args`` and wait for its end."""
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def one_line(stderr: str) -> str:
    """The only line of ``stderr``."""
    (line,) = stderr.splitlines()
    assert line.startswith("tinyalm")
    return line
