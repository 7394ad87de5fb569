"""Streams of 10 ms pushes against whole recordings, in C: without what a Python call costs."""

import os
import subprocess
import tempfile
from pathlib import Path

from front_end_peers import Absent

from tinyalm.frontend import LogMelSpec, program
from tinyalm_runtimes.native_library import LIBRARY

HERE = Path(__file__).parent
INCLUDE = HERE.parent / "runtimes" / "native" / "include"
NAMES = ("native", "native-stream-10ms", "native-stream-10ms-at-once")


def streamed(spec: LogMelSpec, seconds: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round by name, as `streaming.c` measures them.

    Raises:
        Absent: the front end cannot stream, or there is no kernel or no C compiler.
    """
    if spec.top_db is not None:
        raise Absent("top_db needs the whole recording")
    if not LIBRARY.exists():
        raise Absent("the native kernel is not installed")
    with tempfile.TemporaryDirectory() as folder:
        binary, front_end = Path(folder, "streaming"), Path(folder, "front_end.logmel")
        front_end.write_bytes(program(spec))
        source = str(HERE / "streaming.c")
        link = [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}"]
        try:
            compiler = os.environ.get("CC", "cc")
            subprocess.run(
                [compiler, "-O2", f"-I{INCLUDE}", source, *link, "-o", str(binary)], check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise Absent(f"streaming.c was not built ({error})") from None
        done = subprocess.run(
            [str(binary), str(front_end), str(seconds), str(rounds)],
            check=True,
            capture_output=True,
            text=True,
        )
    columns = zip(*(map(float, line.split()) for line in done.stdout.splitlines()), strict=True)
    return dict(zip(NAMES, map(list, columns), strict=True))
