"""What the native kernel does not take, and installations without one."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyalm_runtimes
from tests.front_ends import signal
from tests.process import environment
from tests.runtimes.native_builds import done
from tests.runtimes.native_levels import LEVELS, kernels, needs_kernel
from tinyalm.errors import BundleError, ConfigError
from tinyalm.frontend import PRESETS, program
from tinyalm_runtimes.native_library import LIBRARY
from tinyalm_runtimes.native_log_mel import NativeLogMel, Quantization

EDGE = program(PRESETS["edge-16k"])


@needs_kernel
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((1, 100), np.float32),
        np.zeros((), np.float32),
        np.zeros(100),
        np.zeros(100, np.int32),
        np.zeros(100, np.uint8),
        np.zeros(100, np.float16),
        np.zeros(100, np.complex64),
    ],
    ids=lambda samples: f"{samples.dtype}{samples.shape}",
)
def test_samples_of_another_shape_or_type_are_refused(samples):
    kernel = NativeLogMel(EDGE)
    for take in (kernel, kernel.stream().push):
        with pytest.raises(ConfigError) as error:
            take(samples)
        assert str(error.value) == (
            f"samples of shape {samples.shape} and dtype {samples.dtype}; the front end takes one "
            "channel of float32 or int16"
        )
    assert kernel(np.zeros(400, np.float32)).shape == (1, 64)


@needs_kernel
def test_no_samples_give_no_frames():
    for spec in PRESETS.values():
        for kernel in kernels(spec):
            found = kernel(np.zeros(0, np.float32))
            assert (found.shape, found.dtype) == ((0, spec.n_mels), np.float32)


@needs_kernel
@pytest.mark.parametrize(
    "level", ["sse9", "best", "", "neon" if LEVELS[-1:] != ("neon",) else "avx2"]
)
def test_a_level_that_this_machine_lacks_is_refused_by_name(level):
    with pytest.raises(ConfigError, match=f"level '{level}' is not one of .*{LEVELS[0]}"):
        NativeLogMel(EDGE, level=level)


@needs_kernel
@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (b"", "not a front end"),
        (b"RIFF" + EDGE[4:], "not a front end"),
        (EDGE[:8] + b"\2" + EDGE[9:], "made by another version of tinyalm"),
        (EDGE[:-1], "truncated or longer than it says"),
        (EDGE + b"\0", "truncated or longer than it says"),
        (EDGE[:20] + bytes(4) + EDGE[24:], "n_fft out of range"),
    ],
)
def test_a_damaged_program_is_refused_with_the_reason(damaged, why):
    with pytest.raises(BundleError) as error:
        NativeLogMel(damaged)
    assert str(error.value) == f"front end: {why}; export the bundle again"


@needs_kernel
@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Quantization("int8", 0.0, 0), "scale must be above 0 and finite"),
        (Quantization("int8", float("nan"), 0), "scale must be above 0 and finite"),
        (Quantization("uint8", 1e60, 0), "scale must be above 0 and finite"),
        (Quantization("int8", 1.0, 128), "zero_point is no value of the type"),
        (Quantization("uint8", 1.0, -1), "zero_point is no value of the type"),
    ],
)
def test_an_impossible_output_is_refused(output, why):
    with pytest.raises(ConfigError, match=why):
        NativeLogMel(EDGE, output=output)


@needs_kernel
@pytest.mark.parametrize("name", [n for n, spec in PRESETS.items() if spec.top_db is not None])
def test_a_front_end_that_needs_the_whole_recording_does_not_stream(name):
    kernel = NativeLogMel(program(PRESETS[name]))
    with pytest.raises(ConfigError, match="top_db needs the whole recording and cannot stream"):
        kernel.stream()
    assert len(kernel(signal("noise", 5000))) > 0


CALL = """
import sys
from tinyalm.errors import MissingExtraError
from tinyalm.frontend import PRESETS, program
import tinyalm_runtimes.native_log_mel as native
print(native.__file__)
for call in (native.levels, lambda: native.NativeLogMel(program(PRESETS["edge-16k"]))):
    try:
        call()
    except MissingExtraError as error:
        print(error)
"""


def without_kernel(folder: Path, library: Path | None = None) -> list[str]:
    """What an installation in ``folder`` says whose library is another one, or none."""
    package = Path(tinyalm_runtimes.__file__).parent
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    if library:
        library.rename(copy / LIBRARY.name)
    ended = subprocess.run(
        [sys.executable, "-c", CALL],
        env=environment(PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    where, *messages = ended.stdout.splitlines()
    assert where == str(copy / "native_log_mel.py")
    assert len(messages) == 2
    return messages


def test_an_installation_without_the_kernel_says_so(tmp_path):
    for message in without_kernel(tmp_path):
        assert message == (
            "the native log-mel kernel is not in this installation; install tinyalm where a C++17 "
            "compiler is (the graph serves without it)"
        )


def test_a_library_of_another_machine_is_named(tmp_path):
    library = tmp_path / "other.so"
    library.write_bytes(b"\x7fELF of some other machine")
    for message in without_kernel(tmp_path, library):
        assert message.startswith(f"{tmp_path / 'tinyalm_runtimes' / LIBRARY.name}: cannot be load")
        assert message.endswith("; install tinyalm again on this machine")


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_a_library_of_another_tinyalm_is_named(tmp_path):
    source, library = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text("int tinyalm_logmel_abi(void) { return 1000; }\n")
    done("cc", "-shared", "-fPIC", source, "-o", library)
    for message in without_kernel(tmp_path, library):
        assert message == (
            f"{tmp_path / 'tinyalm_runtimes' / LIBRARY.name}: built for another tinyalm; install "
            "tinyalm again"
        )
