"""The CUDA kernel: its arithmetic on the processor, its build by nvcc, its answers on a GPU."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front_ends import EXACT, KINDS, error, signal, signals, specs
from tests.runtimes.native_builds import done
from tinyalm.errors import MissingExtraError
from tinyalm.frontend import PRESETS, LogMelSpec, log_mel, program
from tinyalm.tensorrt import cuda_call, gpu, import_cuda

CUDA = Path("runtimes/cuda")
NATIVE = Path("runtimes/native")
THREADS = 128  # of a block
LogMel = Callable[[np.ndarray, LogMelSpec], np.ndarray]


def why_no_gpu() -> str:
    """Why nothing runs on a GPU here; empty where there is one."""
    try:
        gpu()
    except MissingExtraError as found:
        return str(found)
    return ""


@pytest.fixture(scope="module")
def on_host(tmp_path_factory: pytest.TempPathFactory) -> LogMel:
    """The kernel's steps, compiled for the processor."""
    if not shutil.which("c++"):
        pytest.skip("no C++ compiler")
    out = tmp_path_factory.mktemp("cuda") / "on_host.so"
    includes = [f"-I{folder}" for folder in (CUDA / "src", NATIVE / "src")]
    sources = (CUDA / "tests" / "on_host.cpp", NATIVE / "src" / "program.cpp")
    done("c++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *includes,
         *sources, "-o", out)  # fmt: skip
    function = ctypes.CDLL(str(out)).on_host
    function.restype = ctypes.c_int64
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    function.argtypes = [ctypes.c_char_p, size, pointer, size, ctypes.c_int32, pointer]

    def run(waveform: np.ndarray, spec: LogMelSpec) -> np.ndarray:
        code = program(spec)
        output = np.zeros((spec.frames(len(waveform)), spec.n_mels), np.float32)
        data, answer = waveform.ctypes.data, output.ctypes.data
        frames = function(code, len(code), data, len(waveform), THREADS, answer)
        assert frames == len(output)
        return raised(output, spec)

    return run


def raised(output: np.ndarray, spec: LogMelSpec) -> np.ndarray:
    """What the range, a kernel of its own, makes of a recording's values."""
    if spec.top_db is None or not output.size:
        return output
    kept = spec.top_db / 10 * np.log(10) * spec.log_unit / spec.std
    return np.maximum(output, np.float32(output.max() - kept))


@pytest.mark.parametrize("name", PRESETS)
def test_its_arithmetic_equals_the_reference_in_every_preset(on_host, name):
    spec = PRESETS[name]
    half = spec.n_fft // 2
    for kind in KINDS:
        for samples in (2, half, half + 1, 9 * spec.n_fft + 1):
            waveform = signal(kind, samples)
            assert error(on_host(waveform, spec), waveform, spec) <= EXACT, (kind, samples)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_its_arithmetic_equals_the_reference(on_host, data):
    spec = data.draw(specs())
    waveform = data.draw(signals(spec, shortest=2))
    assert error(on_host(waveform, spec), waveform, spec) <= EXACT


def test_nan_stays_in_the_frames_that_hold_it(on_host):
    spec = PRESETS["edge-16k"]
    waveform = signal("noise", 4000)
    waveform[2000] = np.nan
    heard = np.isnan(on_host(waveform, spec))
    expected = np.isnan(log_mel(waveform, spec))
    assert heard.any()
    np.testing.assert_array_equal(heard, expected)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as nvcc makes it, for three generations of GPUs and for this machine's."""
    gpus = ["sm86", "sm89", "sm120"] if why_no_gpu() else [gpu()]
    out = tmp_path_factory.mktemp("cuda") / "liblogmel_cuda.so"
    build = (sys.executable, CUDA / "build.py", "--out", out, "--gpu", ",".join(gpus))
    ended = subprocess.run(list(map(str, build)), capture_output=True, text=True, check=False)
    if ended.stderr.startswith("no nvcc: "):
        pytest.skip(ended.stderr.strip())
    assert ended.returncode == 0, ended.stderr
    assert "warning" not in ended.stderr
    return out


def test_nvcc_compiles_it_with_its_interface_and_no_more(library):
    found = done("nm", "-D", "--defined-only", library)
    names = {line.split()[-1] for line in found.splitlines()}
    assert {name for name in names if "tinyalm" in name} == {
        f"tinyalm_logmel_cuda_{call}" for call in ("create", "destroy", "frames", "run")
    }


def test_what_is_no_program_is_refused_with_the_reason(library):
    c = ctypes.CDLL(str(library))
    handle, message = ctypes.c_void_p(), ctypes.create_string_buffer(200)
    large = LogMelSpec(sample_rate=48000, n_fft=65536, win_length=65536, hop_length=480,
                       n_mels=64, f_max=24000.0, log_offset=1e-5)  # fmt: skip
    for code, why in ((b"RIFF", b"not a front end"), (program(large), b"n_fft is too large")):
        status = c.tinyalm_logmel_cuda_create(
            code, ctypes.c_size_t(len(code)), ctypes.byref(handle), message, ctypes.c_size_t(200)
        )
        assert status == 2  # TINYALM_BAD_PROGRAM
        assert not handle.value
        assert message.value.startswith(why)


@pytest.mark.skipif(not why_no_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so(library):
    c = ctypes.CDLL(str(library))
    handle, message = ctypes.c_void_p(), ctypes.create_string_buffer(200)
    code = program(PRESETS["edge-16k"])
    status = c.tinyalm_logmel_cuda_create(
        code, ctypes.c_size_t(len(code)), ctypes.byref(handle), message, ctypes.c_size_t(200)
    )
    assert status == 3  # TINYALM_OUT_OF_MEMORY
    assert message.value.startswith(b"CUDA: ")


@pytest.mark.gpu
@pytest.mark.skipif(bool(why_no_gpu()), reason=why_no_gpu() or "never skipped")
@pytest.mark.parametrize("name", PRESETS)
def test_a_gpu_answers_as_the_reference(library, name):
    spec = PRESETS[name]
    waveforms = np.stack([signal(kind, 3 * spec.sample_rate) for kind in KINDS])
    found = on_gpu(library, waveforms, spec)
    for waveform, row in zip(waveforms, found, strict=True):
        assert error(row, waveform, spec) <= EXACT


def on_gpu(library: Path, waveforms: np.ndarray, spec: LogMelSpec) -> np.ndarray:
    """Log-mels of a batch by the library."""
    c, cuda, code = ctypes.CDLL(str(library)), import_cuda(), program(spec)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    c.tinyalm_logmel_cuda_destroy.argtypes = [pointer]
    handle, message = pointer(), ctypes.create_string_buffer(200)
    made = c.tinyalm_logmel_cuda_create(
        code, size(len(code)), ctypes.byref(handle), message, size(200)
    )
    assert made == 0, message.value
    batch, samples = waveforms.shape
    output = np.zeros((batch, spec.frames(samples), spec.n_mels), np.float32)
    addresses = [int(cuda_call(cuda.cudaMalloc(array.nbytes))) for array in (waveforms, output)]
    kinds = cuda.cudaMemcpyKind
    up, down = kinds.cudaMemcpyHostToDevice, kinds.cudaMemcpyDeviceToHost
    cuda_call(cuda.cudaMemcpy(addresses[0], waveforms.ctypes.data, waveforms.nbytes, up))
    status = c.tinyalm_logmel_cuda_run(
        handle, pointer(addresses[0]), size(batch), size(samples), pointer(addresses[1]), pointer()
    )
    assert status == 0
    cuda_call(cuda.cudaMemcpy(output.ctypes.data, addresses[1], output.nbytes, down))
    for address in addresses:
        cuda_call(cuda.cudaFree(address))
    c.tinyalm_logmel_cuda_destroy(handle)
    return output
