"""The engine that every device has: ONNX Runtime on the CPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinyalm.errors import BundleError, ConfigError
from tinyalm.telemetry import import_onnxruntime

PROVIDER = "CPUExecutionProvider"


class OnnxRuntimeGraph:
    """An ONNX file opened by ONNX Runtime. Calls are safe from several threads."""

    def __init__(self, path: Path, session: Any) -> None:  # noqa: ANN401 - onnxruntime's session
        self._path = path
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Named inputs to named outputs.

        Args:
            inputs: an array for each input, of the dtype and shape that the graph declares.

        Returns:
            All outputs by name.

        Raises:
            BundleError: the graph does not take these inputs or fails on them.
        """
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:
            raise BundleError(f"{self._path}: cannot be run ({_line(error)}); {_REMEDY}") from None
        return dict(zip(self._outputs, values, strict=True))


class OnnxRuntimeEngine:
    """Opens ONNX files on the CPU, with small models on small machines in mind."""

    def __init__(self) -> None:
        self._onnxruntime = import_onnxruntime()

    def open(self, path: Path, *, threads: int) -> OnnxRuntimeGraph:
        """Load the ONNX file at ``path`` to run on ``threads`` CPU threads.

        Raises:
            BundleError: the file is no graph that ONNX Runtime can run.
            ConfigError: ``threads`` is below 1.
        """
        if threads < 1:
            raise ConfigError(f"threads is {threads}; it must be at least 1")
        options = self._options(threads)
        try:
            session = self._onnxruntime.InferenceSession(path, options, providers=[PROVIDER])
        except Exception as error:  # it has a class for each failure and no base common to them
            raise BundleError(f"{path}: cannot be opened ({_line(error)}); {_REMEDY}") from None
        if session.get_providers() != [PROVIDER]:
            raise BundleError(
                f"{path}: asked for {PROVIDER}, got {', '.join(session.get_providers())}; "
                "install the onnxruntime package anew"
            )
        return OnnxRuntimeGraph(path, session)

    def _options(self, threads: int) -> Any:  # noqa: ANN401 - onnxruntime's options
        options = self._onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = self._onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # One arena for all threads and no pattern for every shape: malloc's own arenas, one a
        # thread, and blocks of ever new sizes are memory that grows (benchmarks/soak.py).
        options.enable_cpu_mem_arena = True
        options.enable_mem_pattern = False
        # Fatal only: an error is raised, and a log line beside it would say it twice.
        options.log_severity_level = 4
        return options


_REMEDY = "export the bundle again, or update onnxruntime"


def _line(error: Exception) -> str:
    """An exception's text as one line without ONNX Runtime's prefix."""
    text = " ".join(str(error).split())
    return text.removeprefix("[ONNXRuntimeError] : ").rstrip(".")
