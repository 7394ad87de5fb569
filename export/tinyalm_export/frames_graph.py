"""A recording cut into frames, in standard ONNX operators."""

from collections.abc import Iterator

import numpy as np

from tinyalm.frontend import LogMelSpec
from tinyalm_export.graph_text import Constants, ints


def frames(
    spec: LogMelSpec, rows: int, constants: Constants, *, float64: bool = True
) -> Iterator[str]:
    """``waveform`` (batch, samples) float32 to ``frames`` (batch, rows, frames).

    Frames begin where their window does, have ``rows`` samples, and are not weighed yet. They are
    float64, or float32 for engines that have no other.
    """
    yield from _samples(spec, constants, float64)
    yield from _padding(spec, rows, constants)
    yield from _cut(spec, rows, constants, float64)


def _signal(spec: LogMelSpec) -> str:
    """The samples that are cut into frames, float64 where they are differences, else float32."""
    return "emphasised" if spec.preemphasis else "int16" if spec.round_int16 else "waveform"


def _samples(spec: LogMelSpec, constants: Constants, float64: bool) -> Iterator[str]:
    """``waveform`` to `_signal`, and ``length``, the number of its samples."""
    if spec.round_int16:
        limits = {"low": -1, "high": 1, "largest": 32767}
        constants |= {name: np.array(value, np.float32) for name, value in limits.items()}
        yield "clipped = Clip(waveform, low, high)"
        yield "scaled_up = Mul(clipped, largest)"
        yield "truncated = Cast<to = 6>(scaled_up)"
        yield "int16 = Cast<to = 1>(truncated)"  # the window divides it
    if spec.preemphasis:
        constants |= {
            "first": ints(0),
            "second": ints(1),
            "last": ints(-1),
            "end": ints(np.iinfo(np.int64).max),
            "along_time": ints(1),
            "preemphasis": np.array(spec.preemphasis, np.float64 if float64 else np.float32),
        }
        plain = "int16" if spec.round_int16 else "waveform"
        yield f"exact = {'Cast<to = 11>' if float64 else 'Identity'}({plain})"
        yield "later = Slice(exact, second, end, along_time)"
        yield "earlier = Slice(exact, first, last, along_time)"
        yield "expected = Mul(earlier, preemphasis)"
        yield "emphasised = Sub(later, expected)"
    yield f"length = Shape<start = 1>({_signal(spec)})"


def _padding(spec: LogMelSpec, rows: int, constants: Constants) -> Iterator[str]:
    """To ``padded``, which begins where the first window does and is whole blocks of one hop.

    Also ``count``, the number of frames.
    """
    hop = spec.hop_length
    before = spec.padding - spec.window_start
    slack = 2 * spec.padding - spec.frame_length
    # So many more blocks than frames hold the last frame's samples, and all of the recording.
    extra = max(-(-rows // hop) - 1, -(-(before - slack) // hop) + spec.drop_last)
    constants |= {
        "none": ints(0),
        "hop": ints(hop),
        "slack": ints(slack + hop * (1 - spec.drop_last)),
        "extra_blocks": ints(extra),
        "before": ints(before),
    }
    yield "spare = Add(length, slack)"
    yield "whole_hops = Div(spare, hop)"
    yield "count = Max(whole_hops, none)"
    yield "blocks = Add(count, extra_blocks)"
    yield "size = Mul(blocks, hop)"
    yield "stop = Sub(size, before)"
    yield "after = Sub(stop, length)"
    if spec.center and spec.pad_mode == "reflect":
        yield from _reflected(spec, constants)
    else:
        constants["pads_before"] = ints(0, before, 0)
        yield "pads = Concat<axis = 0>(pads_before, after)"
        yield f"padded = Pad({_signal(spec)}, pads)"


def _reflected(spec: LogMelSpec, constants: Constants) -> Iterator[str]:
    """Both ends by their indices, since Pad reflects no further than the samples reach."""
    signal = _signal(spec)
    constants |= {
        "head_start": np.array(spec.window_start - spec.padding),
        "head_stop": np.array(0),
        "step": np.array(1),
        "one": ints(1),
    }
    yield "head_times = Range(head_start, head_stop, step)"
    yield "tail_start = Squeeze(length)"
    yield "tail_stop = Squeeze(stop)"
    yield "tail_times = Range(tail_start, tail_stop, step)"
    yield "times = Concat<axis = 0>(head_times, tail_times)"
    yield "reach = Sub(length, one)"
    yield "there_and_back = Add(reach, reach)"
    yield "period_of_times = Max(there_and_back, one)"
    yield "forth = Mod(times, period_of_times)"
    yield "back = Sub(period_of_times, forth)"
    yield "indices = Min(forth, back)"
    yield f"ends = Gather<axis = 1>({signal}, indices)"
    yield "end_sizes = Concat<axis = 0>(before, after)"
    yield "head, tail = Split<axis = 1>(ends, end_sizes)"
    yield f"padded = Concat<axis = 1>(head, {signal}, tail)"


def _cut(spec: LogMelSpec, rows: int, constants: Constants, float64: bool) -> Iterator[str]:
    """``padded`` to ``frames``: row n holds sample n of every frame.

    Rows, because a frame is then some neighbouring columns of ``hop_length`` rows, which are copied
    and not gathered sample by sample. Float64 last, because the copies are what takes the time.
    """
    hop = spec.hop_length
    parts = -(-rows // hop)  # blocks that a frame touches
    constants |= {"by_block": ints(0, -1, hop), "rows_and_columns": ints(1, 2)}
    yield "blocks_by_time = Reshape(padded, by_block)"
    yield "by_time = Transpose<perm = [0, 2, 1]>(blocks_by_time)"
    yield "corner = Concat<axis = 0>(none, count)"
    for part in range(parts):
        extent = min(hop, rows - part * hop)
        constants |= {f"from_{part}": ints(0, part), f"extent_{part}": ints(extent, part)}
        yield f"to_{part} = Add(corner, extent_{part})"
        yield f"part_{part} = Slice(by_time, from_{part}, to_{part}, rows_and_columns)"
    joined = ", ".join(f"part_{part}" for part in range(parts))
    if spec.preemphasis or not float64:
        yield f"frames = Concat<axis = 1>({joined})"
    else:
        yield f"narrow_frames = Concat<axis = 1>({joined})"
        yield "frames = Cast<to = 11>(narrow_frames)"
