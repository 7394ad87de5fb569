"""The command `tinyalm export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinyalm.bundle import MANIFEST, BundleManifest
from tinyalm.cli.layout import aligned, size
from tinyalm.errors import ConfigError
from tinyalm_export.int8.table import SEARCH, lines
from tinyalm_export.teachers.command import export_teacher_command, is_teacher
from tinyalm_export.tensorrt.options import engine_options, engine_request
from tinyalm_export.web.command import or_web

if TYPE_CHECKING:
    from tinyalm_export.parts import Precision


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="NAME.tinyalm",
    type=click.Path(path_type=Path),
    help="The bundle to make; one that is there is replaced. Needed with a checkpoint. With "
    "--to web the folder to make.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "int8"]),
    default="fp32",
    show_default=True,
    help="int8 is smaller and faster; fp16 is for GPUs.",
)
@click.option("--name", help="Name of the bundle, if not the student's own.")
@click.option(
    "--label-pack",
    type=click.Path(path_type=Path),
    help="A label pack that the bundle carries; its labels become the bundle's own.",
)
@click.option(
    "--captioner",
    type=click.Path(path_type=Path),
    help="A captioner that the bundle carries: a checkpoint, or a bundle that has one.",
)
@click.option(
    "--target",
    type=click.Choice(["cpu-x86", "cpu-arm", "web"]),
    help="What int8 is to run on; cpu-x86 by default.",
)
@click.option(
    "--max-drop",
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="Search for the fastest int8 that loses at most so many points of zero-shot top-1.",
)
@click.option(
    "--calibrate",
    metavar="MANIFEST",
    type=click.Path(path_type=Path),
    help="CSV of recordings, with labels for --max-drop, that int8 is calibrated and measured on.",
)
@click.option("--no-text", is_flag=True, help="Leave the text side out; needs --label-pack.")
@click.option(
    "--accept-licence",
    "accept",
    multiple=True,
    metavar="NAME",
    help="A licence of teacher or data that forbids something, and that you abide by.",
)
@or_web
@engine_options
def export(
    checkpoint: Path,
    out: Path | None,
    precision: "Precision",
    name: str | None,
    label_pack: Path | None,
    captioner: Path | None,
    target: str | None,
    max_drop: float | None,
    calibrate: Path | None,
    no_text: bool,
    accept: tuple[str, ...],
    **engines: Any,  # noqa: ANN401 - what engine_request takes
) -> None:
    """Export the student in the folder CHECKPOINT as a bundle that devices load.

    Its graphs are compared with torch first; what differs is not written. CHECKPOINT may also be
    a teacher, clap:FOLDER; its towers become ONNX graphs in the folder --out. With --to web it is
    a bundle, which becomes a page.
    """
    request = engine_request(**engines)
    if is_teacher(checkpoint):
        click.echo(export_teacher_command(checkpoint, out, accept, request))
        return
    if request and out is None and (checkpoint / MANIFEST).is_file():
        if precision != "fp32" or name or label_pack or captioner or no_text:
            raise ConfigError(
                f"{checkpoint}: a bundle, whose engines are built as it is; "
                "--precision, --name, --label-pack, --captioner and --no-text go with a checkpoint"
            )
        click.echo(request.build(checkpoint))
        return
    if out is None:
        raise ConfigError("name the bundle to make: --out NAME.tinyalm")
    if precision != "int8" and (target or calibrate or max_drop is not None):
        raise ConfigError("--target, --max-drop and --calibrate go with --precision int8")
    if request and target:
        raise ConfigError("--to tensorrt is a target itself; leave out --target")
    from tinyalm_export.exporter import export_bundle  # imports torch

    manifest = export_bundle(
        checkpoint,
        out,
        precision=precision,
        name=name,
        label_pack=label_pack,
        text=not no_text,
        captioner=captioner,
        accept=accept,
        target="tensorrt" if request else target or "cpu-x86",
        max_drop=max_drop,
        calibrate=calibrate,
        report=lambda s: click.echo(s, err=True),
    )
    click.echo(_summary(manifest, out))
    if SEARCH in manifest.files:
        click.echo(lines((out / SEARCH).read_bytes()))
    if request:
        click.echo(request.build(out))


def _summary(manifest: BundleManifest, out: Path) -> str:
    sides = [side.graph for side in (manifest.text, manifest.caption) if side]
    graphs = [manifest.audio, *([manifest.features] if manifest.features else []), *sides]
    about = {
        graph.file: f"{graph.precision}, opset {graph.opset}, {graph.parameters:,} parameters"
        for graph in graphs
    }
    rows = [(f, size(info.bytes), about.get(f, "")) for f, info in manifest.files.items()]
    total = sum(info.bytes for info in manifest.files.values())
    error = max(row.max_abs_error for row in manifest.parity)
    cosine = min(row.min_cosine for row in manifest.parity)
    lines = [f"wrote {out}: {manifest.name}, {manifest.audio.precision}, {size(total)}"]
    lines.append(aligned(rows, indent="  "))
    lines.append(
        f"against torch on {len(manifest.parity)} shapes: largest error {error:.1e}, "
        f"lowest cosine {cosine:.6f}"
    )
    metrics = manifest.provenance.metrics
    if "int8_mean_cosine" in metrics:
        lines.append(
            "int8 against fp32 on validation windows: mean cosine "
            f"{metrics['int8_mean_cosine']:.5f}, lowest {metrics['int8_min_cosine']:.5f}"
        )
    lines.append(f"next: tinyalm tag FILE --bundle {out}")
    return "\n".join(lines)
