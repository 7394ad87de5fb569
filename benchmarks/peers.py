"""Tagging with tinyalm and with what people use today, in turn, each in a process of its own.

    python benchmarks/peers.py [BUNDLE ...] [--runs 51] [--json] [--png docs/peers.png]

From 10 s of waveform to scores, on one thread. The peers are

- `transformers-clap`: transformers' ClapFeatureExtractor, then HTSAT at the size of LAION's
  published checkpoint (random weights: they cost the same) in ONNX Runtime;
- `yamnet`: YAMNet's float network in ONNX Runtime behind librosa's log-mel, all patches at once;
- `sherpa-onnx`: skipped, since its wheel brings no model and is of no use without a download.

A row's speedup is over `transformers-clap`.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from tinyalm.benchmark import Contender, Row, race, serve
from tinyalm.benchmark.tagging import contender
from tinyalm.bundle import read_bundle
from tinyalm.cache import cache_dir
from tinyalm.shipped import find_bundle
from tinyalm.telemetry import import_onnxruntime

LABELS = 3
HTSAT, YAMNET = "bench/htsat-published-size.onnx", "bench/yamnet-float.onnx"

Answer = Callable[[NDArray[np.float32]], object]


def session(path: Path, threads: int) -> Any:  # noqa: ANN401 - onnxruntime's session
    """ONNX Runtime with its own settings but for the number of threads."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of unit length."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def transformers_clap(threads: int) -> Answer:
    """LAION-CLAP's audio tower as transformers runs it."""
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    tower = session(cache_dir() / HTSAT, threads)
    texts = unit(np.random.default_rng(0).normal(size=(LABELS, 512)).astype(np.float32))

    def answer(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        features = extractor(waveform, sampling_rate=48000, return_tensors="np")["input_features"]
        (embedding,) = tower.run(None, {"input_features": features.astype(np.float32)})
        return unit(embedding) @ texts.T

    return answer


def export_htsat() -> None:
    """Write that tower, of random weights, into the cache."""
    import torch
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection

    torch.manual_seed(0)
    model = ClapAudioModelWithProjection(ClapAudioConfig()).eval()

    class Tower(torch.nn.Module):
        def forward(self, input_features: torch.Tensor) -> torch.Tensor:
            return model(input_features=input_features).audio_embeds

    path = cache_dir() / HTSAT
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    features = torch.zeros(1, 1, 1001, 64)
    torch.onnx.export(
        Tower().eval(), (features,), partial, input_names=["input_features"], external_data=False
    )
    partial.replace(path)


def export_yamnet() -> None:
    """Write YAMNet's float network into the cache, from the asset of the teacher."""
    import onnx

    from tinyalm_distill.assets import require
    from tinyalm_distill.teachers.yamnet import float_model

    quantized = onnx.load(require("yamnet-minilm") / "yamnet" / "model.onnx")
    path = cache_dir() / YAMNET
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(float_model(quantized), path)


def yamnet(threads: int) -> Answer:
    """YAMNet as its own documentation runs it: patches of 0.96 s, half overlapping."""
    import librosa

    network = session(cache_dir() / YAMNET, threads)

    def answer(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        mel = librosa.feature.melspectrogram(
            y=waveform, sr=16000, n_fft=512, win_length=400, hop_length=160, center=False,
            power=1.0, n_mels=64, fmin=125, fmax=7500, htk=True, norm=None,
        )  # fmt: skip
        log_mel = np.log(mel.T + np.float32(0.001)).astype(np.float32)
        starts = range(0, max(1, len(log_mel) - 95), 48)
        patches = np.stack([log_mel[start : start + 96] for start in starts])
        logits = network.run(["logits"], {"audio": patches[:, None]})[0]
        return (1 / (1 + np.exp(-logits))).mean(axis=0)

    return answer


PEERS: dict[str, tuple[Callable[[int], Answer], int]] = {
    "transformers-clap": (transformers_clap, 48000),
    "yamnet": (yamnet, 16000),
}


def picture(rows: list[Row], path: Path) -> None:
    """Median times as bars on a logarithmic axis, with the 95th percentile."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.6 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    rows = rows[::-1]
    late = [row.p95_ms - row.p50_ms for row in rows]
    axes.barh(
        [row.name for row in rows], [row.p50_ms for row in rows], xerr=[[0] * len(rows), late]
    )
    for number, row in enumerate(rows):
        axes.text(row.p95_ms * 1.08, number, f"{row.p50_ms:.1f} ms", va="center")
    axes.set_xscale("log")
    axes.set_xlim(right=3 * max(row.p95_ms for row in rows))
    axes.set_xlabel(f"ms from {rows[0].clip_s:g} s of waveform to scores, one thread")
    figure.savefig(path, dpi=120)


@click.command()
@click.argument("bundles", nargs=-1)
@click.option("--runs", default=51, show_default=True)
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--png", type=click.Path(path_type=Path))
@click.option("--be", "peer", type=click.Choice(list(PEERS)), hidden=True)
@click.option("--export", is_flag=True, hidden=True)
def main(
    bundles: tuple[str, ...],
    runs: int,
    seconds: float,
    threads: int,
    as_json: bool,
    png: Path | None,
    peer: str | None,
    export: bool,
) -> None:
    """Race the BUNDLEs (the default student if none) against the peers."""
    if export:
        export_yamnet()
        export_htsat()
        return
    if peer:
        load, rate = PEERS[peer]
        serve(lambda: load(threads), seconds, rate)
        return
    if not (cache_dir() / HTSAT).is_file():  # in a process of its own, which frees its memory
        subprocess.run([sys.executable, __file__, "--export"], check=True, stdout=sys.stderr)
    common = ["--seconds", str(seconds), "--threads", str(threads)]
    entrants = [Contender(name, [__file__, "--be", name, *common]) for name in PEERS]
    for bundle in bundles or (None,):
        folder = find_bundle(bundle)
        manifest = read_bundle(folder)
        entrants.append(contender(folder, manifest, clip_s=seconds, threads=threads))
    rows = race(entrants, clip_s=seconds, threads=threads, runs=runs)
    if png:
        picture(rows, png)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(rows)))
        return
    click.echo("| | ms, median | ms, p95 | peak MB | cold start, s | times transformers-clap |")
    click.echo("|---|---|---|---|---|---|")
    for row in rows:
        click.echo(
            f"| {row.name} | {row.p50_ms:.1f} | {row.p95_ms:.1f} | {row.peak_rss_mb:.0f} | "
            f"{row.cold_start_s:.2f} | {row.speedup:.1f} ({row.speedup_low:.1f}-"
            f"{row.speedup_high:.1f}) |"
        )
    click.echo("sherpa-onnx: skipped, its wheel brings no model", err=True)


if __name__ == "__main__":
    main()
