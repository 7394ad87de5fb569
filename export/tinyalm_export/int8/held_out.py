"""What rounding costs, on sound that the ranges were not found on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from tinyalm.engine import engine
from tinyalm.frontend import LogMelSpec, log_mel
from tinyalm_export.int8.clips import Clip

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Cost:
    """What rounding costs.

    Attributes:
        mean: mean cosine between the embeddings of rounded and exact encoder, over the windows.
        lowest: the lowest of them.
        drop: points of zero-shot top-1 that are lost over the clips; None without labels.
    """

    mean: float
    lowest: float
    drop: float | None


class HeldOut:
    """Windows of held-out clips, and what the exact encoder answers to them.

    Args:
        clips: at least one.
        spec: the front end.
        exact: the encoder in float.
        texts: an embedding of unit length, (dim,) float32, for every label of ``clips``; none where
            only cosines count.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        spec: LogMelSpec,
        exact: onnx.ModelProto,
        texts: dict[str, Rows],
        folder: Path,
    ) -> None:
        self.log_mels = [
            log_mel(window, spec).astype(np.float32) for clip in clips for window in clip.windows
        ]
        self._ends = np.cumsum([len(clip.windows) for clip in clips])[:-1]
        names = list(texts)
        self._texts = np.array(list(texts.values()), np.float32)
        self._relevant = np.array([[name in clip.labels for name in names] for clip in clips])
        self.labelled = int(self._relevant.any(axis=1).sum()) if names else 0
        self._folder = folder
        self._exact = self._embeddings(exact, self.log_mels)
        self._top1 = self._accuracy(self._exact)

    def cost(self, encoder: onnx.ModelProto, *, windows: int | None = None) -> Cost:
        """What ``encoder`` costs against the exact one.

        Args:
            encoder: of the same inputs and outputs.
            windows: how many to hear, evenly spaced, for cosines alone; by default all.
        """
        if windows is not None:
            count = min(windows, len(self.log_mels))
            some = np.linspace(0, len(self.log_mels) - 1, count).round().astype(int)
            rows = self._embeddings(encoder, [self.log_mels[number] for number in some])
            cosines = np.einsum("nd,nd->n", rows.astype(float), self._exact[some])
            return Cost(float(cosines.mean()), float(cosines.min()), None)
        rows = self._embeddings(encoder, self.log_mels)
        cosines = np.einsum("nd,nd->n", rows.astype(float), self._exact)
        top1 = self._accuracy(rows)
        drop = None if top1 is None or self._top1 is None else 100 * (self._top1 - top1)
        return Cost(float(cosines.mean()), float(cosines.min()), drop)

    def _embeddings(self, encoder: onnx.ModelProto, log_mels: Sequence[Rows]) -> Rows:
        path = self._folder / "heard.onnx"
        path.write_bytes(encoder.SerializeToString())
        graph = engine("onnxruntime").open(path, threads=1)
        rows = [graph.run({"log_mel": one[None]})["embedding"] for one in log_mels]
        return np.concatenate(rows)

    def _accuracy(self, rows: Rows) -> float | None:
        """Zero-shot top-1 of the labelled clips, whose embeddings are the means of their windows'.

        A clip with several labels is right where any of them is the nearest.
        """
        if not self.labelled:
            return None
        clips = np.stack([some.mean(axis=0) for some in np.split(rows, self._ends)])
        nearest = (clips @ self._texts.T).argmax(axis=1)
        right = self._relevant[np.arange(len(clips)), nearest]
        return float(right[self._relevant.any(axis=1)].mean())
