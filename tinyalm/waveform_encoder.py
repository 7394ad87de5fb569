"""Waveform to embedding: the native front end before the features graph, or one graph for both."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import BundleManifest, GraphInfo
from tinyalm.encoder import Encoder
from tinyalm.errors import BundleError, ConfigError, MissingExtraError
from tinyalm.frontend import LogMelKernel, kernel

FrontEnd = Literal["auto", "native", "graph"]

_BATCH_S = 4.0  # of windows that the graph hears at once; more gain little and cost memory


class WaveformEncoder:
    """The audio side of a bundle. Calls are safe from several threads.

    Args:
        bundle: the bundle's folder.
        manifest: its manifest.
        open_graph: opens a graph of the bundle.
        frontend: ``native``, ``graph``, or ``auto``: native where the kernel is installed and the
            bundle has a graph that takes its log-mels, else graph.

    Attributes:
        frontend: ``graph``, or ``native`` and the kernel's level.
        batch_size: how many windows of a recording are best heard at once.

    Raises:
        ConfigError: there is no such front end.
        BundleError: a file cannot be opened, or ``native`` is asked of a bundle without its graph.
        MissingExtraError: ``native`` is asked and the kernel is not in this installation.
    """

    def __init__(
        self,
        bundle: Path,
        manifest: BundleManifest,
        open_graph: Callable[[GraphInfo], Encoder],
        frontend: FrontEnd,
    ) -> None:
        if frontend not in ("auto", "native", "graph"):
            raise ConfigError(f"front end {frontend!r} is none of auto, native and graph")
        self._kernel: LogMelKernel | None = None
        graph = manifest.audio
        if frontend == "native" and manifest.features is None:
            raise BundleError(f"{bundle}: has no graph for the native front end; export it again")
        if frontend != "graph" and manifest.features is not None:
            try:
                self._kernel = kernel((bundle / manifest.program).read_bytes())
                graph = manifest.features
            except MissingExtraError:
                if frontend == "native":
                    raise
        self._encode = open_graph(graph)
        self.batch_size = max(1, int(_BATCH_S / manifest.windows.length_s))
        self.frontend = f"native ({self._kernel.level})" if self._kernel else "graph"

    def __call__(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed one window.

        Args:
            waveform: (samples,) float32, at least one frame long.

        Returns:
            (dim,) float32, unit length.

        Raises:
            BundleError: the graph fails.
        """
        embedding: NDArray[np.float32] = self._embed(self._heard(waveform)[None])[0]
        return embedding

    def batch(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed windows of one length in one call of the graph.

        Args:
            waveforms: at least one, best `batch_size`, each as for a call.

        Returns:
            (windows, dim) float32, unit length.

        Raises:
            BundleError: the graph fails.
        """
        return self._embed(np.stack([self._heard(waveform) for waveform in waveforms]))

    def _heard(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the graph takes of a window: its log-mel, (frames, n_mels), or the samples."""
        return waveform if self._kernel is None else self._kernel(waveform)

    def _embed(self, heard: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._encode({self._encode.input: heard})
