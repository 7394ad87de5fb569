"""Builds the native log-mel kernel: each instruction set is one source with flags of its own.

The wheel's build (setup.py) calls `build_library`; as a program it builds for a device, another
compiler or a sanitizer:

    python runtimes/native/build.py --out liblogmel.so --cxx aarch64-linux-gnu-g++
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = (  # what takes longest first
    "kernel_avx512.cpp",
    "kernel_avx2.cpp",
    "kernel_baseline.cpp",
    "stream.cpp",
    "logmel.cpp",
    "plan.cpp",
    "program.cpp",
)
# No -ffast-math: NaN, infinity and the order of additions are kept, so that answers are the same
# for every tile. Products and sums may be contracted, which every frame gets alike.
FLAGS = [
    *("-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden"),
    *("-fno-math-errno", "-ffp-contract=fast"),
    *("-Wall", "-Wextra", "-Wno-psabi", "-Wno-maybe-uninitialized"),
    "-Wno-unknown-warning-option",  # of which Clang does not know the one before
]
X86_FLAGS = {
    "kernel_avx2.cpp": ["-mavx2", "-mfma"],
    "kernel_avx512.cpp": [
        *("-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma"),
        "-mprefer-vector-width=512",
        "-mtune=cascadelake",
    ],
}


def build_library(out: Path, cxx: Sequence[str] | None = None, extra: Sequence[str] = ()) -> None:
    """Build the shared library ``out``.

    Args:
        out: the file to make.
        cxx: the C++17 compiler (GCC or Clang) and its options; by default $CXX or c++.
        extra: flags for compiling and linking.

    Raises:
        OSError: there is no such compiler.
        subprocess.CalledProcessError: it failed; its messages went to standard error.
    """
    compiler = list(cxx or shlex.split(os.environ.get("CXX", "c++")))
    x86 = "x86_64" in _run([*compiler, "-dumpmachine"])
    include = [f"-I{HERE / 'include'}", f"-I{HERE / 'src'}"]
    with tempfile.TemporaryDirectory() as folder:

        def compiled(source: str) -> str:
            target = Path(folder, source).with_suffix(".o")
            own = X86_FLAGS.get(source, []) if x86 else []
            path = HERE / "src" / source
            _run([*compiler, *FLAGS, *own, *extra, *include, "-c", str(path), "-o", str(target)])
            return str(target)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compiled, SOURCES))
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(folder, out.name)
        _run([*compiler, "-shared", *extra, *objects, "-o", str(partial)])
        # Whole or not at all; a process that has the old file open keeps it.
        scratch = out.with_name(f".{out.name}.{os.getpid()}")
        scratch.write_bytes(partial.read_bytes())
        scratch.chmod(0o755)
        scratch.replace(out)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Build the native log-mel kernel.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cxx", help="compiler and its options (default: $CXX or c++)")
    parser.add_argument("--flags", default="", help="more flags: --flags='-O1 -g'")
    arguments = parser.parse_args()
    cxx = shlex.split(arguments.cxx) if arguments.cxx else None
    try:
        build_library(arguments.out, cxx, shlex.split(arguments.flags))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the kernel was not built: {error}")


if __name__ == "__main__":
    main()
