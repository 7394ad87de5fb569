"""Builds the CUDA log-mel kernel by nvcc; no GPU is needed.

python runtimes/cuda/build.py --out liblogmel_cuda.so --gpu sm86,sm89,sm120
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parent / "native"
INCLUDES = (HERE / "include", HERE / "src", NATIVE / "include", NATIVE / "src")
SOURCES = (HERE / "src" / "log_mel.cu", NATIVE / "src" / "program.cpp")


def find_nvcc() -> Path | None:
    """CUDA's compiler: that of the PATH, or of the package nvidia-cuda-nvcc; None without one."""
    if found := shutil.which("nvcc"):
        return Path(found)
    spec = find_spec("nvidia")
    folders = list(spec.submodule_search_locations or []) if spec else []
    wheels = [path for folder in folders for path in Path(folder).glob("cu*/bin/nvcc")]
    return next(iter(sorted(wheels)), None)


def build_library(out: Path, gpus: Sequence[str], nvcc: Path) -> None:
    """Build the shared library ``out``, which holds machine code for each of ``gpus``.

    Args:
        out: the file to make.
        gpus: ``sm86`` and the like; the last one's portable code comes along for later GPUs.
        nvcc: the compiler.

    Raises:
        OSError: there is no such compiler.
        subprocess.CalledProcessError: it failed; its messages went to standard error.
    """
    numbers = [gpu.removeprefix("sm") for gpu in gpus]
    code = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in numbers]
    code.append(f"-gencode=arch=compute_{numbers[-1]},code=compute_{numbers[-1]}")
    flags = ["-std=c++17", "-O3", "--shared", "-Xcompiler=-fPIC,-fvisibility=hidden,-Wall,-Wextra"]
    # Where the packages have what a toolkit's nvcc knows by itself.
    folders = [*(f"-I{folder}" for folder in INCLUDES), f"-L{nvcc.parent.parent / 'lib'}"]
    command = [str(nvcc), *flags, *code, *folders, *map(str, SOURCES), "-o", str(out)]
    subprocess.run(command, check=True)  # noqa: S603


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Build the CUDA log-mel kernel.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gpu", required=True, help="sm86,sm89 and the like")
    parser.add_argument("--nvcc", type=Path, default=find_nvcc(), help="default: found")
    arguments = parser.parse_args()
    if arguments.nvcc is None:
        sys.exit("no nvcc: install the CUDA toolkit, or nvidia-cuda-nvcc and its parts by pip")
    try:
        build_library(arguments.out, arguments.gpu.split(","), arguments.nvcc)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the kernel was not built: {error}")


if __name__ == "__main__":
    main()
