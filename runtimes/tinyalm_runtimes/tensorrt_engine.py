"""TensorRT on an NVIDIA GPU, behind the protocol of `tinyalm.engine`."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyalm.engine_file import PLAN, REBUILD, EngineFile, read_engine
from tinyalm.errors import BundleError
from tinyalm.tensorrt import gpu, import_cuda, import_tensorrt, installed
from tinyalm_runtimes.cuda_buffers import CudaBuffers
from tinyalm_runtimes.engine_choice import find_engine, fitting_profile


class TensorRtEngine:
    """Opens engines that `tinyalm export --to tensorrt` built, on this machine's first GPU.

    Raises:
        MissingExtraError: there is no driver, no GPU, or no CUDA for Python.
    """

    def __init__(self) -> None:
        self._gpu = gpu()

    def open(self, path: Path, *, threads: int) -> "TensorRtGraph":  # noqa: ARG002 - a GPU has its own
        """Load the engine of the graph at ``path``.

        Args:
            path: a graph of a bundle, whose engine lies in the folder beside the bundle; or an
                engine itself, ``….plan``, with its sidecar beside it.
            threads: not used.

        Raises:
            BundleError: there is no engine of this graph for this machine.
            MissingExtraError: the TensorRT that it was built with is not installed.
        """
        sidecar, info = find_engine(path, self._gpu, installed())
        plan = read_engine(sidecar, info)
        return TensorRtGraph(sidecar.with_suffix(PLAN), plan, info)


class TensorRtGraph:
    """An engine on the GPU. Calls are safe from several threads, and wait for each other."""

    def __init__(self, path: Path, plan: bytes, info: EngineFile) -> None:
        trt = import_tensorrt(info.flavour)
        self._path, self._profiles = path, info.profiles
        self._log = trt.Logger(trt.Logger.INTERNAL_ERROR)
        self._runtime = trt.Runtime(self._log)
        # Engines for later versions bring code of their own.
        self._runtime.engine_host_code_allowed = info.version_compatible
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise BundleError(f"{path}: TensorRT does not load it on this machine; {REBUILD}")
        self._context = engine.create_execution_context()
        tensors = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self._types = {
            name: np.dtype(trt.nptype(engine.get_tensor_dtype(name))) for name in tensors
        }
        inputs = {n for n in tensors if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT}
        self._inputs = [name for name in tensors if name in inputs]
        self._outputs = [name for name in tensors if name not in inputs]
        self._engine = engine
        self._buffers = CudaBuffers(import_cuda())
        self._lock = Lock()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Named inputs to named outputs.

        Args:
            inputs: an array for each input, of the dtype that the graph declares and a shape that
                the engine was built for.

        Returns:
            All outputs by name.

        Raises:
            BundleError: the engine does not take these inputs or fails on them.
        """
        self._check(inputs)
        with self._lock:
            try:
                return self._run(inputs)
            except RuntimeError as error:
                raise BundleError(f"{self._path}: cannot be run ({error}); {REBUILD}") from None

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        if set(inputs) != set(self._inputs):
            raise BundleError(
                f"{self._path}: takes {', '.join(self._inputs)}, not {', '.join(inputs)}; {REBUILD}"
            )
        for name, values in inputs.items():
            if values.dtype != self._types[name]:
                raise BundleError(
                    f"{self._path}: takes {name} as {self._types[name]}, not {values.dtype}"
                )

    def _run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        context, buffers = self._context, self._buffers
        shapes = {name: list(values.shape) for name, values in inputs.items()}
        profile = fitting_profile(self._path, self._profiles, shapes)
        if profile != context.active_optimization_profile:
            context.set_optimization_profile_async(profile, buffers.stream)
        for name, values in inputs.items():
            context.set_input_shape(name, values.shape)
            context.set_tensor_address(name, buffers.upload(name, np.ascontiguousarray(values)))
        outputs = {}
        for name in self._outputs:
            outputs[name] = np.empty(tuple(context.get_tensor_shape(name)), self._types[name])
            context.set_tensor_address(name, buffers.reserve(name, outputs[name].nbytes))
        if not context.execute_async_v3(buffers.stream):
            raise RuntimeError("TensorRT refused the call")
        for name, values in outputs.items():
            buffers.download(name, values)
        buffers.wait()
        return outputs
