"""int8 beside fp32: what it costs and what it saves, for students and for YAMNet itself.

    python benchmarks/int8.py CHECKPOINT [CHECKPOINT …] [--yamnet] --manifest CSV --split dev

Cosines are between the answers of both precisions to the windows of the manifest's recordings;
top-1 is `tinyalm eval zero-shot`'s. Times are medians of runs in turn, each contender a process of
its own on one thread: a window through the encoder, and one from waveform to embedding with the
native front end. YAMNet (after `tinyalm distill pull yamnet-minilm`) is calibrated on windows of
the other splits; its cosines are of its 1024 features, its times those of its whole classifier.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

import tinyalm
from tinyalm.audio import read
from tinyalm.benchmark import Contender, race, serve
from tinyalm.benchmark.contender import Answer
from tinyalm.cli.layout import aligned
from tinyalm.engine import engine
from tinyalm.errors import AudioError
from tinyalm.frontend import LogMelSpec, log_mel, preset
from tinyalm.models.audio import AudioEncoder
from tinyalm.models.shapes import YAMNET, AudioStudentConfig
from tinyalm.windows import WindowRule
from tinyalm_distill.assets import require
from tinyalm_distill.evaluation.classification import bundle_accuracy
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.teachers.yamnet_body import read_body
from tinyalm_export.equalization import equalize
from tinyalm_export.exporter import export_bundle
from tinyalm_export.graphs import encoder_graph, file_content
from tinyalm_export.int8.timing import time_encoders
from tinyalm_export.quantize import quantize_encoder

RUNS, CALIBRATION = 301, 128
CLASSES, FEATURES = 521, 1024
PRECISIONS = ("fp32", "int8")
YAMNET_WINDOWS = WindowRule(length_s=0.975, hop_s=0.96, grid_s=0.975, min_s=0.975)
HEAD = ["", "encoder ms", "times", "waveform ms", "times"]
HEAD += ["cosine", "lowest", "top-1", "points lost", "bytes"]

LogMels = list[NDArray[np.float32]]


def heard(clips: Sequence[Clip], rule: WindowRule, spec: LogMelSpec) -> Iterator[NDArray]:
    """Log-mels of the windows of what can be read of ``clips``."""
    for clip in clips:
        try:
            sound = read(clip.file, spec.sample_rate, start_s=clip.start_s, end_s=clip.end_s)
        except AudioError:
            continue
        for _, _, window in rule.cut([sound], spec.sample_rate):
            yield log_mel(window, spec).astype(np.float32)


def cosines(graphs: Sequence[Path], log_mels: LogMels) -> NDArray:
    """Cosines between the answers of two encoders, a value a window."""
    opened = [engine("onnxruntime").open(path, threads=1) for path in graphs]
    return np.array(
        [
            np.vdot(*(graph.run({"log_mel": one[None]})["embedding"] for graph in opened))
            for one in log_mels
        ]
    )


def encoder_cells(graphs: Sequence[Path], log_mels: LogMels) -> list[list[str]]:
    """Milliseconds and speedup of each encoder."""
    frames, bands = log_mels[0].shape
    rows = time_encoders(graphs, frames=frames, bands=bands)
    return [[f"{row.p50_ms:.2f}", f"{row.speedup:.2f}"] for row in rows]


def student(checkpoint: Path, folder: Path, manifest: str, split: str) -> list[list[str]]:
    """The rows of one checkpoint."""
    bundles = [folder / f"{checkpoint.name}-{precision}.tinyalm" for precision in PRECISIONS]
    export_bundle(checkpoint, bundles[0], precision="fp32")
    meta = export_bundle(checkpoint, bundles[1], precision="int8")
    log_mels = list(heard(read_clips(manifest, split), meta.windows, meta.frontend))
    graphs = [bundle / "features.onnx" for bundle in bundles]
    found = cosines(graphs, log_mels)
    top1 = [100 * bundle_accuracy(str(bundle), manifest, split)["top-1"] for bundle in bundles]
    encoders = encoder_cells(graphs, log_mels)
    length = meta.windows.length_s
    entrants = [Contender(b.stem, [__file__, "--be", str(b), str(length)]) for b in bundles]
    whole = race(entrants, clip_s=length, threads=1, runs=RUNS)
    sizes = [(bundle / "audio.onnx").stat().st_size for bundle in bundles]
    rows = []
    for number, bundle in enumerate(bundles):
        times = [*encoders[number], f"{whole[number].p50_ms:.2f}", f"{whole[number].speedup:.2f}"]
        cosine = [f"{found.mean():.4f}", f"{found.min():.4f}"] if number else ["", ""]
        lost = f"{top1[0] - top1[1]:+.2f}" if number else ""
        size = f"{sizes[number]} ({sizes[number] / sizes[0]:.3f})"
        rows.append([bundle.stem, *times, *cosine, f"{top1[number]:.2f}", lost, size])
    return rows


def yamnet(folder: Path, manifest: str, split: str) -> list[list[str]]:
    """The rows of YAMNet."""
    spec = preset("yamnet")
    clips = read_clips(manifest)
    log_mels = list(heard([c for c in clips if c.split == split], YAMNET_WINDOWS, spec))
    others = [clip for clip in clips if clip.split != split]
    some = np.linspace(0, len(others) - 1, CALIBRATION).round().astype(int)
    calibration = list(heard([others[n] for n in some], YAMNET_WINDOWS, spec))[:CALIBRATION]
    features = yamnet_graphs(folder, FEATURES, calibration)
    found = cosines(features, log_mels)
    graphs = yamnet_graphs(folder, CLASSES, calibration)
    times = encoder_cells(graphs, log_mels)
    sizes = [path.stat().st_size for path in graphs]
    rows = []
    for number, path in enumerate(graphs):
        cosine = [f"{found.mean():.4f}", f"{found.min():.4f}"] if number else ["", ""]
        size = f"{sizes[number]} ({sizes[number] / sizes[0]:.3f})"
        rows.append([path.stem, *times[number], "", "", *cosine, "", "", size])
    return rows


def yamnet_graphs(folder: Path, outputs: int, calibration: LogMels) -> list[Path]:
    """YAMNet's graph in both precisions."""
    encoder = yamnet_encoder(outputs)
    exact, even = (
        encoder_graph(one, calibration[0].shape[1])
        for one in (encoder, equalize(encoder, calibration))
    )
    paths = [folder / f"yamnet-{outputs}-{precision}.onnx" for precision in PRECISIONS]
    for path, model in zip(paths, (exact, quantize_encoder(even, calibration)), strict=True):
        path.write_bytes(file_content(model))
    return paths


def yamnet_encoder(outputs: int) -> AudioEncoder:
    """YAMNet's body before its classifier, or before nothing where its features are asked for."""
    folder = require("yamnet-minilm") / "yamnet"
    encoder = AudioEncoder(AudioStudentConfig(embedding_dim=outputs, body=YAMNET)).eval()
    encoder.body.load_state_dict(read_body(folder).state_dict())
    graph = onnx.load(folder / "model.onnx").graph
    (weight,) = (t for t in graph.initializer if sorted(t.dims) == [CLASSES, FEATURES])
    values = onnx.numpy_helper.to_array(weight)
    values = values if values.shape[0] == CLASSES else values.T
    with torch.no_grad():
        classifier = np.eye(FEATURES, dtype=np.float32) if outputs == FEATURES else values
        encoder.head.project.weight.copy_(torch.from_numpy(classifier.copy()))
        encoder.head.project.bias.zero_()
    return encoder


def be(bundle: str, seconds: str) -> None:
    """Be the contender that embeds one window with ``bundle``."""

    def load() -> Answer:
        model = tinyalm.load(bundle, threads=1)
        rate = model.manifest.frontend.sample_rate
        return lambda waveform: model.embed_audio(waveform, rate)

    serve(load, float(seconds), 16000)


@click.command()
@click.argument("checkpoints", nargs=-1, type=click.Path(path_type=Path))
@click.option("--yamnet", "with_yamnet", is_flag=True)
@click.option("--manifest")
@click.option("--split", default="dev", show_default=True)
@click.option("--be", "contender", nargs=2, hidden=True)
def main(
    checkpoints: tuple[Path, ...],
    with_yamnet: bool,
    manifest: str,
    split: str,
    contender: tuple[str, str] | None,
) -> None:
    """Compare int8 with fp32 for every CHECKPOINT."""
    if contender:
        be(*contender)
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for checkpoint in checkpoints:
            rows += student(checkpoint, Path(folder), manifest, split)
        if with_yamnet:
            rows += yamnet(Path(folder), manifest, split)
    click.echo(aligned([HEAD, *rows]))


if __name__ == "__main__":
    main()
