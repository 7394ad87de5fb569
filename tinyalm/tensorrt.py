"""The two flavours of TensorRT, found where they are installed and imported when they are needed.

The full one builds and runs engines for the GPU of the machine; TensorRT for RTX builds without a
GPU for every generation that is named, and compiles kernels when an engine is loaded. Both have the
same API.
"""

import ctypes
import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tinyalm.engine_file import Flavour
from tinyalm.errors import MissingExtraError
from tinyalm.extras import pip_command

NAMES: dict[Flavour, str] = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT for RTX"}
# A flavour comes in several distributions, of which one is installed.
_DISTRIBUTIONS: dict[Flavour, tuple[str, ...]] = {
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"),
    "tensorrt-rtx": ("tensorrt-rtx-cu13-bindings", "tensorrt-rtx", "tensorrt_rtx"),
}
# ONNX Runtime's plugin brings the libraries that NVIDIA's bindings stand on.
_RTX_LIBRARIES = "onnxruntime_ep_nv_tensorrt_rtx"
_RTX_FILES = ("libcudart.so.*", "libtensorrt_rtx.so.*", "libtensorrt_onnxparser_rtx.so.*")


def installed() -> dict[Flavour, str]:
    """Versions of the installed flavours, from their metadata: nothing native is loaded."""
    from importlib.metadata import PackageNotFoundError, distribution  # 40 ms

    found: dict[Flavour, str] = {}
    for flavour, names in _DISTRIBUTIONS.items():
        for name in names:
            with suppress(PackageNotFoundError):
                found.setdefault(flavour, distribution(name).version)
    return found


@cache
def import_tensorrt(flavour: Flavour) -> Any:  # noqa: ANN401 - a module without types
    """The module of ``flavour``.

    Raises:
        MissingExtraError: it is not installed, or not for this machine.
    """
    try:
        if flavour == "tensorrt":
            return import_module("tensorrt")
        if find_spec("tensorrt_rtx"):  # as NVIDIA's own archive installs it, with its libraries
            return import_module("tensorrt_rtx")
        _load_rtx_libraries()
        return import_module("tensorrt_rtx_bindings")
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        raise MissingExtraError(
            f"{NAMES[flavour]} cannot be imported ({reason}); {pip_command('tensorrt')}"
        ) from None


def _load_rtx_libraries() -> None:
    """Load what the bindings link to, each before the next one that needs it.

    Raises:
        ImportError: a library is missing, or of another version than the bindings.
        OSError: one cannot be loaded.
    """
    bindings = installed().get("tensorrt-rtx", "")
    spec = find_spec(_RTX_LIBRARIES)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {_RTX_LIBRARIES!r}")
    folder = Path(spec.origin).parent
    for pattern in _RTX_FILES:
        file = next(iter(sorted(folder.glob(pattern))), None)
        if file is None:
            raise ImportError(f"{folder} has no {pattern}")
        version = file.name.rpartition(".so.")[2]
        if "tensorrt" in pattern and not bindings.startswith(version):
            raise ImportError(f"bindings {bindings} beside libraries {version}")
        ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)


def gpu() -> str:
    """Compute capability of this machine's first GPU: ``sm89`` and the like.

    Raises:
        MissingExtraError: there is no driver, no GPU, or no CUDA for Python.
    """
    cuda = import_cuda()
    attributes = cuda.cudaDeviceAttr
    major, minor = (
        cuda_call(cuda.cudaDeviceGetAttribute(attribute, 0))
        for attribute in (
            attributes.cudaDevAttrComputeCapabilityMajor,
            attributes.cudaDevAttrComputeCapabilityMinor,
        )
    )
    return f"sm{major}{minor}"


@cache
def import_cuda() -> Any:  # noqa: ANN401 - a module without types
    """The CUDA runtime's Python bindings, on a machine that has a GPU and its driver.

    Raises:
        MissingExtraError: there is no driver, no GPU, or no CUDA for Python.
    """
    try:
        cuda = import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise MissingExtraError(
            f"TensorRT engines run through cuda-bindings ({error}); {pip_command('tensorrt')}"
        ) from None
    status, count = cuda.cudaGetDeviceCount()
    if status != cuda.cudaError_t.cudaSuccess or not count:
        raise MissingExtraError(
            f"no NVIDIA GPU with a driver on this machine ({status.name}); TensorRT engines run "
            "where one is, and the engine 'onnxruntime' runs the same bundle here"
        )
    return cuda


def cuda_call(answer: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the call gives
    """The value in a CUDA call's ``answer``, or None.

    Raises:
        RuntimeError: the call failed.
    """
    status, *values = answer
    if status.value:
        raise RuntimeError(f"CUDA: {status.name}")
    return values[0] if values else None
