"""The command `tinyalm export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinyalm.bundle import MANIFEST, BundleManifest
from tinyalm.cli.layout import aligned, size
from tinyalm.errors import ConfigError
from tinyalm_export.tensorrt.options import engine_options, engine_request

if TYPE_CHECKING:
    from tinyalm_export.parts import Precision


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="NAME.tinyalm",
    type=click.Path(path_type=Path),
    help="The bundle to make; one that is there is replaced. Needed with a checkpoint.",
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
@click.option("--no-text", is_flag=True, help="Leave the text side out; needs --label-pack.")
@click.option(
    "--accept-licence",
    "accept",
    multiple=True,
    metavar="NAME",
    help="A licence of teacher or data that forbids something, and that you abide by.",
)
@engine_options
def export(
    checkpoint: Path,
    out: Path | None,
    precision: "Precision",
    name: str | None,
    label_pack: Path | None,
    no_text: bool,
    accept: tuple[str, ...],
    **engines: Any,  # noqa: ANN401 - what engine_request takes
) -> None:
    """Export the student in the folder CHECKPOINT as a bundle that devices load.

    Its graphs are compared with torch first; what differs is not written.
    """
    request = engine_request(**engines)
    if request and out is None and (checkpoint / MANIFEST).is_file():
        if precision != "fp32" or name or label_pack or no_text:
            raise ConfigError(
                f"{checkpoint}: a bundle, whose engines are built as it is; "
                "--precision, --name, --label-pack and --no-text go with a checkpoint"
            )
        click.echo(request.build(checkpoint))
        return
    if out is None:
        raise ConfigError("name the bundle to make: --out NAME.tinyalm")
    from tinyalm_export.exporter import export_bundle  # imports torch

    manifest = export_bundle(
        checkpoint,
        out,
        precision=precision,
        name=name,
        label_pack=label_pack,
        text=not no_text,
        accept=accept,
        target="tensorrt" if request else "cpu-x86",
        report=lambda s: click.echo(s, err=True),
    )
    click.echo(_summary(manifest, out))
    if request:
        click.echo(request.build(out))


def _summary(manifest: BundleManifest, out: Path) -> str:
    text = manifest.text.graph if manifest.text else None
    graphs = [graph for graph in (manifest.audio, manifest.features, text) if graph]
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
