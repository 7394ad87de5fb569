"""The C interface of the installed kernel, by the tests that are written in C++ for it."""

import platform
import shutil
import subprocess

import pytest

from tests.runtimes.native_builds import TESTS, build_program, done
from tests.runtimes.native_levels import LEVELS, needs_kernel
from tinyalm_runtimes.native_library import LIBRARY

pytestmark = [
    needs_kernel,
    pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interface")
    return build_program(folder / "logmel_tests", TESTS, LIBRARY, "c++")


@pytest.mark.parametrize("level", ["best", *LEVELS])
def test_the_c_interface_keeps_its_word(program, front_ends, level):
    assert done(program, level, *front_ends).endswith(" passed, 0 failed\n")


def test_every_test_ran_with_every_front_end(program, front_ends):
    one, all_ = (int(done(program, "best", *f).split()[0]) for f in (front_ends[:1], front_ends))
    tests = sum(source.read_text().count("\nTEST(") for source in TESTS)
    assert (one, all_) == (tests, tests * len(front_ends))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="emulates an old x86-64 processor")
@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-x86_64 (qemu-user)")
def test_a_processor_without_avx_gets_the_portable_level(program, front_ends):
    old = ["qemu-x86_64", "-cpu", "Nehalem", program]
    small = sorted(front_ends, key=lambda path: path.stat().st_size)[:4]
    assert done(*old, "best", *small).endswith(" passed, 0 failed\n")
    refused = subprocess.run(
        [*old, "avx2", *small], capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 2
    assert refused.stderr.endswith("; levels here are best portable\n")
