"""The sources of runtimes/native, built in the ways that the tests need."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import Phase, given, settings

from tests.front_ends import specs
from tinyalm.frontend import PRESETS, LogMelSpec, program

NATIVE = Path(__file__).parents[2] / "runtimes" / "native"
EXAMPLE = [NATIVE / "examples" / "wav_to_log_mel.c"]
FUZZER = sorted((NATIVE / "tests").glob("fuzz_*.cpp"))
TESTS = sorted({*(NATIVE / "tests").glob("*.cpp")} - {*FUZZER})


def done(*command: object) -> str:
    """What a command prints; it has to succeed."""
    ended = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout[-2000:]}{ended.stderr[-6000:]}"
    return ended.stdout


def build_library(out: Path, compiler: str, *flags: str) -> Path:
    """The kernel as ``out``, by the program that builds it for a device."""
    more = ["--cxx", compiler, f"--flags={' '.join(flags)}"]
    done(sys.executable, NATIVE / "build.py", "--out", out, *more)
    return out


def build_objects(folder: Path, sources: list[Path], compiler: str, *flags: str) -> list[Path]:
    """``sources`` compiled, two at a time."""
    standard = "-std=c11" if sources[0].suffix == ".c" else "-std=c++17"
    include = f"-I{NATIVE / 'include'}"

    def compiled(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        warnings = ["-Wall", "-Wextra", "-Werror"]
        done(compiler, standard, *warnings, *flags, include, "-c", source, "-o", target)
        return target

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(compiled, sources))


def link(out: Path, objects: list[Path], library: Path, compiler: str, *flags: str) -> Path:
    """The program ``out``, which finds ``library`` where it is now."""
    done(compiler, *flags, *objects, library, f"-Wl,-rpath,{library.parent}", "-o", out)
    return out


def build_program(
    out: Path, sources: list[Path], library: Path, compiler: str, *flags: str
) -> Path:
    """``sources`` compiled and linked to the program ``out``."""
    objects = build_objects(out.parent, sources, compiler, *flags)
    return link(out, objects, library, compiler, *flags)


def different(front_ends: list[Path]) -> list[Path]:
    """``front_ends`` without those that differ from another one in little more than their bands.

    For where every step is slow.
    """
    alike = ("clap-htsat-fused", "msclap-2022", "msclap-2023", "panns-32k", "panns-16k")
    return [path for path in front_ends if path.stem not in alike]


def write_front_ends(folder: Path, random: int) -> list[Path]:
    """All presets and ``random`` other front ends, the same in every run, as files."""
    found: dict[str, LogMelSpec] = dict(PRESETS)

    @settings(
        max_examples=random, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
    )
    @given(specs())
    def collect(spec: LogMelSpec) -> None:
        found[f"random-{spec.digest()}"] = spec

    collect()
    for name, spec in found.items():
        (folder / f"{name}.logmel").write_bytes(program(spec))
    return sorted(folder.glob("*.logmel"))
