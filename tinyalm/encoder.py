"""A graph of a bundle that answers with embeddings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyalm.bundle import GraphInfo
from tinyalm.engine import Engine
from tinyalm.errors import BundleError
from tinyalm.results import unit_length


class Encoder:
    """One opened graph and what the manifest says about it. Calls are safe from several threads.

    Args:
        bundle: the bundle's folder.
        info: the graph's entry in the manifest; its first output is the embedding.
        dim: size of the embedding.
        engine: executes the graph.
        threads: CPU threads that one call uses.

    Raises:
        BundleError: the graph cannot be opened, or the manifest names no input or output of it.
    """

    def __init__(
        self, bundle: Path, info: GraphInfo, dim: int, engine: Engine, threads: int
    ) -> None:
        self._path = bundle / info.file
        if not info.inputs or not info.outputs:
            raise BundleError(f"{self._path}: the manifest names no input or no output; {_REMEDY}")
        self.input = info.inputs[0].name
        self._output = info.outputs[0].name
        self._dim = dim
        self._graph = engine.open(self._path, threads=threads)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Embed a batch.

        Args:
            inputs: arrays by input name, the batch as their first axis.

        Returns:
            (batch, dim) float32, unit length.

        Raises:
            BundleError: the graph fails, or answers with something else than the manifest says.
        """
        rows = self._graph.run(inputs).get(self._output)
        batch = len(next(iter(inputs.values())))
        if rows is None or rows.shape != (batch, self._dim) or not np.isfinite(rows).all():
            raise BundleError(
                f"{self._path}: does not answer with {self._dim} finite numbers for each input, "
                f"as the manifest says; {_REMEDY}"
            )
        return unit_length(np.asarray(rows, np.float32))


_REMEDY = "export the bundle again"
