"""The search for the fastest int8 encoder within an accuracy budget."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from tinyalm.errors import ExportError
from tinyalm.frontend import LogMelSpec
from tinyalm.models.audio import AudioEncoder
from tinyalm_export.equalization import equalize
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.int8.candidates import CANDIDATES, Candidate
from tinyalm_export.int8.held_out import HeldOut
from tinyalm_export.int8.nncf_quantizer import installed, quantize_by_nncf
from tinyalm_export.int8.static import find_ranges, quantize
from tinyalm_export.int8.table import Budget, Sensitivity, Table, Trial
from tinyalm_export.int8.timing import time_encoders
from tinyalm_export.targets import TARGETS

LogMels = Sequence[NDArray[np.float32]]
HEARD = 64  # windows that a node's sensitivity is measured on
MOST_FLOATS = 0.5  # share of the nodes that may go back to float: beyond it, int8 gains little


class Search:
    """Candidates for one encoder and one target, and what each of them costs.

    Args:
        encoder: in evaluation mode.
        spec: its front end.
        target: one of `tinyalm_export.targets.TARGETS`.
        budget: what int8 may cost.
        report: called with each step before it begins.
    """

    def __init__(
        self,
        encoder: AudioEncoder,
        spec: LogMelSpec,
        target: str,
        budget: Budget,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._encoder, self._spec = encoder, spec
        self._target, self._budget, self._report = target, budget, report
        self._made: list[onnx.ModelProto] = []
        self._trials: list[Trial] = []

    def run(
        self, log_mels: LogMels, held_out: HeldOut, exact: onnx.ModelProto
    ) -> tuple[onnx.ModelProto, Table]:
        """Find the fastest encoder within the budget.

        All candidates are measured. Where none is within the budget, the most sensitive nodes of
        the best go back to float, one more at a time, until it is, or half of them have.

        Args:
            log_mels: calibration inputs, each (frames, n_mels) float32; at least one.
            held_out: sound that is none of these.
            exact: the encoder in float.

        Returns:
            The encoder, and what was tried.

        Raises:
            ExportError: the budget cannot be met; the message has the best that was found.
        """
        left_out = []
        for candidate in CANDIDATES:
            if candidate.quantizer == "nncf" and not installed():
                left_out.append("nncf: not installed, so not tried; it is the extra nncf")
                continue
            self._report(f"int8: trying {candidate.name}")
            self._try(candidate, log_mels, held_out)
        sensitivity = [] if self._within() else self._put_back(log_mels, held_out)
        if not self._within():
            raise ExportError(self._over_budget())
        times, fp32_ms = self._times(exact, log_mels[0])
        within = self._within()
        chosen = max(within, key=lambda number: times[number][1])
        trials = [
            msgspec.structs.replace(
                trial,
                chosen=number == chosen,
                ms=times[number][0] if number in times else None,
                speedup=times[number][1] if number in times else None,
            )
            for number, trial in enumerate(self._trials)
        ]
        table = Table(
            target=self._target,
            budget=self._budget,
            calibration_windows=len(log_mels),
            windows=len(held_out.log_mels),
            labelled_clips=held_out.labelled,
            fp32_bytes=exact.ByteSize(),
            fp32_ms=fp32_ms,
            trials=trials,
            sensitivity=sensitivity,
            left_out=left_out,
        )
        return self._made[chosen], table

    def _try(self, candidate: Candidate, log_mels: LogMels, held_out: HeldOut) -> None:
        source, scheme = self._source(candidate, log_mels), TARGETS[self._target]
        if candidate.quantizer == "nncf":
            model = quantize_by_nncf(source, log_mels, scheme)
        else:
            model = quantize(source, find_ranges(source, log_mels, candidate), scheme)
        self._add(candidate, model, held_out)

    def _source(self, candidate: Candidate, log_mels: LogMels) -> onnx.ModelProto:
        encoder = equalize(self._encoder, log_mels) if candidate.equalized else self._encoder
        return encoder_graph(encoder, self._spec.n_mels)

    def _add(
        self,
        candidate: Candidate,
        model: onnx.ModelProto,
        held_out: HeldOut,
        floats: Sequence[str] = (),
    ) -> None:
        cost, budget = held_out.cost(model), self._budget
        fits = cost.mean >= budget.mean and cost.lowest >= budget.lowest
        self._made.append(model)
        self._trials.append(
            Trial(
                candidate=candidate.name,
                floats=list(floats),
                cosine_mean=cost.mean,
                cosine_min=cost.lowest,
                drop=cost.drop,
                bytes=model.ByteSize(),
                within=fits and (cost.drop is None or cost.drop <= budget.drop),
            )
        )

    def _put_back(self, log_mels: LogMels, held_out: HeldOut) -> list[Sensitivity]:
        """Try the best of ONNX Runtime's candidates with more and more of its nodes in float."""
        candidate = self._movable()
        source, scheme = self._source(candidate, log_mels), TARGETS[self._target]
        ranges = find_ranges(source, log_mels, candidate)
        nodes = _layers(quantize(source, ranges, scheme))
        alone = []
        for number, node in enumerate(nodes, 1):
            self._report(f"int8: sensitivity of node {number} of {len(nodes)}, {node}")
            cost = held_out.cost(quantize(source, ranges, scheme, only=[node]), windows=HEARD)
            alone.append(Sensitivity(node, cost.mean))
        alone.sort(key=lambda one: one.cosine_mean)
        for count in range(1, int(len(nodes) * MOST_FLOATS) + 1):
            floats = [one.node for one in alone[:count]]
            self._report(f"int8: {candidate.name} with {count} nodes in float")
            model = quantize(source, ranges, scheme, floats=floats)
            self._add(candidate, model, held_out, floats)
            if self._within():
                break
        return alone

    def _movable(self) -> Candidate:
        """The best candidate whose nodes can go back; nncf would have to start anew each time."""
        names = {one.name: one for one in CANDIDATES if one.quantizer == "onnxruntime"}
        best = max((one for one in self._trials if one.candidate in names), key=_quality)
        return names[best.candidate]

    def _within(self) -> list[int]:
        return [number for number, trial in enumerate(self._trials) if trial.within]

    def _times(
        self, exact: onnx.ModelProto, log_mel: NDArray[np.float32]
    ) -> tuple[dict[int, tuple[float, float]], float]:
        """Milliseconds and speedup of the trials within the budget, by number, and fp32's ms."""
        numbers = self._within()
        self._report(f"int8: timing {len(numbers)} encoders within the budget beside fp32")
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{number}.onnx" for number in ("fp32", *numbers)]
            models = (exact, *(self._made[number] for number in numbers))
            for path, model in zip(paths, models, strict=True):
                path.write_bytes(model.SerializeToString())
            rows = time_encoders(paths, frames=log_mel.shape[0], bands=log_mel.shape[1])
        timed = {
            number: (row.p50_ms, row.speedup) for number, row in zip(numbers, rows[1:], strict=True)
        }
        return timed, rows[0].p50_ms

    def _over_budget(self) -> str:
        best, budget = max(self._trials, key=_quality), self._budget
        drop = "" if best.drop is None else f" and {best.drop:.2f} points of top-1 lost"
        floats = f" with {len(best.floats)} nodes in float" if best.floats else ""
        asked = "" if best.drop is None else f", and at most {budget.drop:g} points lost"
        return (
            f"no int8 encoder is within the budget: the best, {best.candidate}{floats}, has a mean "
            f"cosine of {best.cosine_mean:.4f}, a lowest of {best.cosine_min:.4f}{drop}, where at "
            f"least {budget.mean:g} and {budget.lowest:g}{asked} were asked; nothing was written. "
            "Allow more by --max-drop, calibrate on other sound, or export another --precision"
        )


def _quality(trial: Trial) -> tuple[float, float]:
    """What the best trial has most of: accuracy, then cosine."""
    return (-(trial.drop or 0.0), trial.cosine_mean)


def _layers(rounded: onnx.ModelProto) -> list[str]:
    """Names of the layers whose weights are rounded."""
    made_by = {output: node.op_type for node in rounded.graph.node for output in node.output}
    return [
        node.name
        for node in rounded.graph.node
        if node.op_type in ("Conv", "Gemm") and made_by.get(node.input[1]) == "DequantizeLinear"
    ]
