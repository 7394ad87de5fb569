"""The native kernel for aarch64: cross-compiled, and run by an emulator."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.front_ends import EXACT, error, signal
from tests.runtimes.native_builds import (
    EXAMPLE,
    TESTS,
    build_library,
    build_objects,
    build_program,
    different,
    done,
    link,
)
from tests.runtimes.test_native_example import rows, write_wav
from tinyalm.frontend import PRESETS, program

CXX, CC = "aarch64-linux-gnu-g++", "aarch64-linux-gnu-gcc"
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
MISSING = [tool for tool in (CXX, CC, EMULATOR[0]) if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"needs {', '.join(MISSING)} (g++-aarch64-linux-gnu, qemu-user)"
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The tests of the C interface, and the example."""
    folder = tmp_path_factory.mktemp("aarch64")
    with ThreadPoolExecutor(2) as pool:
        built = pool.submit(build_library, folder / "liblogmel.so", CXX)
        objects = build_objects(folder, TESTS, CXX)
    library = built.result()
    tests = link(folder / "logmel_tests", objects, library, CXX)
    return tests, build_program(folder / "wav_to_log_mel", EXAMPLE, library, CC)


def test_the_c_interface_keeps_its_word(programs, front_ends):
    said = done(*EMULATOR, programs[0], "neon", *different(front_ends))
    assert said.endswith(" passed, 0 failed\n")


def test_it_equals_the_reference_in_every_preset(programs, tmp_path):
    for name, spec in PRESETS.items():
        front_end = tmp_path / f"{name}.logmel"
        front_end.write_bytes(program(spec))
        for kind in ("noise", "chirp", "impulse"):
            samples = (signal(kind, 3 * spec.n_fft + 1) * 32767).astype(np.int16)
            wav = write_wav(tmp_path / "in.wav", samples, spec.sample_rate)
            found = rows(done(*EMULATOR, programs[1], front_end, wav), spec.n_mels)
            assert error(found, samples.astype(np.float32) / 32768, spec) <= EXACT
