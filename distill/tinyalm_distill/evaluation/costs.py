"""What teachers and bundles cost: weights, multiplications, bytes, time and memory."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import onnx
from msgspec import Struct
from onnx import shape_inference

from tinyalm.benchmark import Contender, race
from tinyalm.benchmark import Row as Timing
from tinyalm.benchmark.contender import serve
from tinyalm.benchmark.tagging import contender
from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm_distill.evaluation.embedders import TeacherEmbedder
from tinyalm_distill.teachers import AudioTextTeacher, open_teacher


class Size(Struct, frozen=True, kw_only=True):
    """What a model takes whatever it hears.

    Attributes:
        precision: of its audio side.
        parameters: of both towers.
        bytes: on disk.
        macs: multiply-accumulates of the audio side for ``window_s``, without the front end; None
            where they are not known.
        window_s: what it hears at once, seconds; None likewise.
    """

    precision: str
    parameters: int
    bytes: int
    macs: int | None
    window_s: float | None


def teacher_size(teacher: AudioTextTeacher) -> Size:
    """A teacher's; its multiplications are known where students can inherit its body."""
    macs = window_s = None
    if inheritance := teacher.body():
        import torch

        from tinyalm.models.counting import cost

        window_s = 0.96
        frames = round(window_s * inheritance.spec.sample_rate / inheritance.spec.hop_length)
        macs = cost(inheritance.body, torch.zeros(1, frames, inheritance.spec.n_mels)).macs
    return Size(
        precision="fp32",
        parameters=teacher.parameters,
        bytes=teacher.bytes,
        macs=macs,
        window_s=window_s,
    )


def bundle_size(path: Path) -> Size:
    """A bundle's.

    Raises:
        BundleError: it is damaged.
    """
    manifest = read_bundle(path)
    text = manifest.text.graph.parameters if manifest.text else 0
    window_s, macs = manifest.windows.length_s, None
    if manifest.features:
        frames = manifest.frontend.frames(round(window_s * manifest.frontend.sample_rate))
        macs = graph_macs(path / manifest.features.file, {"batch": 1, "frames": frames})
    return Size(
        precision=manifest.audio.precision,
        parameters=manifest.audio.parameters + text,
        bytes=(path / MANIFEST).stat().st_size + sum(f.bytes for f in manifest.files.values()),
        macs=macs,
        window_s=window_s,
    )


def graph_macs(path: Path, sizes: dict[str, int]) -> int:
    """Multiply-accumulates of the convolutions and matrix products of a graph.

    Args:
        path: the ONNX file; weights outside of it need not be there.
        sizes: of its dynamic dimensions, by name.
    """
    model = onnx.load(path, load_external_data=False)
    for value in model.graph.input:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param in sizes:
                dimension.dim_value = sizes[dimension.dim_param]
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.output):
        shapes[value.name] = [one.dim_value for one in value.type.tensor_type.shape.dim]
    total = 0
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            made, weights = shapes[node.output[0]], shapes[node.input[1]]
            outputs = made[1] if node.op_type == "Conv" else made[-1]
            products = 1
            for size in (*made, *weights):
                products *= size
            total += products // outputs
    return total


def time_all(
    teacher: str,
    bundles: Sequence[Path],
    *,
    clip_s: float,
    runs: int,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Timing]:
    """Time a teacher, to embeddings, and bundles, to scores, in turn on one thread.

    Args:
        teacher: its name.
        bundles: their folders.
        clip_s: length of the clip, seconds.
        runs: of each.
        progress: told of every turn.

    Raises:
        BenchmarkError: one of them cannot answer.
    """
    first = Contender(teacher, ["-m", __name__, teacher, str(clip_s)])
    others = [contender(path, read_bundle(path), clip_s=clip_s, threads=1) for path in bundles]
    named = [msgspec.structs.replace(o, name=p.name) for o, p in zip(others, bundles, strict=True)]
    return race([first, *named], clip_s=clip_s, threads=1, runs=runs, progress=progress)


def main(teacher: str, seconds: str) -> None:
    """Be a teacher that is timed."""
    import torch

    torch.set_num_threads(1)
    embedder = TeacherEmbedder(open_teacher(teacher, threads=1))
    serve(lambda: embedder.embed_waveform, float(seconds), embedder.sample_rate)


if __name__ == "__main__":
    main(*sys.argv[1:])
