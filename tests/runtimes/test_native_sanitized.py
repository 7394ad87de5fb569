"""The native kernel under AddressSanitizer and UndefinedBehaviorSanitizer."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.runtimes.native_builds import (
    FUZZER,
    TESTS,
    build_library,
    build_objects,
    different,
    done,
    link,
)
from tests.runtimes.native_levels import LEVELS, needs_kernel

pytestmark = [
    needs_kernel,
    pytest.mark.skipif(not shutil.which("g++"), reason="needs g++ and its sanitizers"),
]
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Checks of memory as calls: inline they are three times the work for the compiler.
FLAGS = ("-O1", "-g1", *SANITIZED, "--param", "asan-instrumentation-with-call-threshold=0")
TESTS_FLAGS = ("-g1", "-fsanitize=address")
FUZZED = 8  # seconds


def test_no_test_and_no_fuzzed_input_makes_an_error(tmp_path, front_ends):
    with ThreadPoolExecutor(2) as pool:
        library = pool.submit(build_library, tmp_path / "liblogmel.so", "g++", *FLAGS)
        sources = pool.submit(build_objects, tmp_path, [*TESTS, *FUZZER], "g++", *TESTS_FLAGS)
    built = library.result(), "g++", *SANITIZED
    objects = {path.stem: path for path in sources.result()}
    tests = link(tmp_path / "logmel_tests", [objects[path.stem] for path in TESTS], *built)
    fuzz = link(tmp_path / "fuzz_logmel", [objects[path.stem] for path in FUZZER], *built)
    chosen = different(front_ends)
    with ThreadPoolExecutor(2) as pool:
        fuzzed = pool.submit(done, fuzz, "--seconds", FUZZED, *front_ends)
        for said in pool.map(lambda level: done(tests, level, *chosen), LEVELS):
            assert said.endswith(" passed, 0 failed\n")
    assert fuzzed.result().endswith(" streams compared, no findings\n")
    inputs, taken, frames, streams = (
        int(part.split()[0]) for part in fuzzed.result().split(", ")[:4]
    )
    assert min(inputs - taken, taken, frames, streams) > 0
