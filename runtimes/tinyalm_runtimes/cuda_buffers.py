"""Memory on a GPU for the inputs and outputs of one engine, and the stream that fills it."""

import weakref
from typing import Any

from numpy.typing import NDArray

from tinyalm.tensorrt import cuda_call


class CudaBuffers:
    """Device memory by name, which grows to the largest size asked for and is used again.

    Args:
        cuda: the CUDA runtime's bindings.

    Raises:
        RuntimeError: in every call, where CUDA fails.
    """

    def __init__(self, cuda: Any) -> None:  # noqa: ANN401 - a module without types
        self._cuda = cuda
        self._held: dict[str, tuple[int, int]] = {}  # address, bytes
        self._stream = cuda_call(cuda.cudaStreamCreate())
        weakref.finalize(self, _release, cuda, self._held, self._stream)

    @property
    def stream(self) -> int:
        """The stream in which everything happens, as TensorRT takes it."""
        return int(self._stream)

    def reserve(self, name: str, size: int) -> int:
        """The address of at least ``size`` bytes."""
        address, held = self._held.get(name, (0, 0))
        if held < max(size, 1):
            self._free(name)
            address = int(cuda_call(self._cuda.cudaMalloc(max(size, 1))))
            self._held[name] = address, max(size, 1)
        return address

    def upload(self, name: str, values: NDArray[Any]) -> int:
        """Copy ``values``, which are contiguous, to the device; their address there."""
        address = self.reserve(name, values.nbytes)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, values.ctypes.data, values.nbytes, kind)
        return address

    def download(self, name: str, values: NDArray[Any]) -> None:
        """Copy what is at ``name`` to ``values``; it is there after `wait`."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(values.ctypes.data, self._held[name][0], values.nbytes, kind)

    def wait(self) -> None:
        """Wait for everything asked so far."""
        cuda_call(self._cuda.cudaStreamSynchronize(self._stream))

    def _copy(self, to: int, source: int, size: int, kind: Any) -> None:  # noqa: ANN401
        cuda_call(self._cuda.cudaMemcpyAsync(to, source, size, kind, self._stream))

    def _free(self, name: str) -> None:
        address, _ = self._held.pop(name, (0, 0))
        if address:
            cuda_call(self._cuda.cudaFree(address))


def _release(cuda: Any, held: dict[str, tuple[int, int]], stream: Any) -> None:  # noqa: ANN401
    for address, _ in held.values():
        cuda.cudaFree(address)
    cuda.cudaStreamDestroy(stream)
