"""`tinyalm info`: what a bundle is, where it comes from, and what it was measured at."""

import json
import os
from pathlib import Path

import click
import msgspec

from tinyalm.bundle import KEY_VARIABLE, MANIFEST, BundleManifest, GraphInfo, read_bundle
from tinyalm.cli.layout import aligned, size
from tinyalm.shipped import find_bundle
from tinyalm.signing import signature_of


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The manifest, with path and total bytes.")
def info(bundle: Path | None, as_json: bool) -> None:
    """Say what BUNDLE is and where it comes from: a folder, or a student that comes with tinyalm.

    Every file in it is verified first.
    """
    folder = find_bundle(bundle)
    manifest = read_bundle(folder)
    total = (folder / MANIFEST).stat().st_size + sum(f.bytes for f in manifest.files.values())
    if as_json:
        described = {"path": str(folder), "total_bytes": total, **msgspec.to_builtins(manifest)}
        click.echo(json.dumps(described))
    else:
        files = f"{len(manifest.files) + 1} files, {size(total)}, all as they were made"
        rows = [*_model(manifest), *_origin(manifest), ("files", files)]
        if signature_of(folder / MANIFEST).is_file():
            rows.append(("signature", _signed()))
        click.echo(aligned(rows))


def _signed() -> str:
    key = os.environ.get(KEY_VARIABLE)
    return f"by the key {key}" if key else f"not checked: {KEY_VARIABLE} names no public key"


def _model(manifest: BundleManifest) -> list[tuple[str, str]]:
    front, windows, calibration = manifest.frontend, manifest.windows, manifest.calibration
    bands = (
        f"{front.n_mels} mel bands of {front.f_min:g}-{front.f_max:g} Hz, {front.win_length} "
        f"samples every {front.hop_length} at {front.sample_rate} Hz ({front.digest()})"
    )
    rows = [
        ("name", manifest.name),
        ("format", str(manifest.format_version)),
        ("embedding", f"{manifest.embedding_dim} numbers"),
        ("front end", bands),
        ("windows", f"{windows.length_s:g} s every {windows.hop_s:g} s"),
        ("audio graph", _graph(manifest, manifest.audio)),
    ]
    features, text = manifest.features, manifest.text
    rows.append(("features graph", _graph(manifest, features) if features else "none"))
    rows.append(("text graph", _graph(manifest, text.graph) if text else "none"))
    packed = f", packed in {manifest.label_pack}" if manifest.label_pack else ""
    rows.append(("labels", f"{len(manifest.labels)} in {manifest.template!r}{packed}"))
    fitted = "none: scores are cosines"
    if calibration:
        fitted = (
            f"1 / (1 + exp(-({calibration.scale:g} * cosine + {calibration.bias:g}))), "
            f"fitted on {calibration.pairs} pairs"
        )
    return [*rows, ("calibration", fitted)]


def _graph(manifest: BundleManifest, graph: GraphInfo) -> str:
    return (
        f"{graph.file}: {graph.precision}, opset {graph.opset}, {graph.parameters:,} parameters, "
        f"{size(manifest.files[graph.file].bytes)}"
    )


def _origin(manifest: BundleManifest) -> list[tuple[str, str]]:
    origin = manifest.provenance
    rows = [("teacher", f"{origin.teacher} ({origin.teacher_licence})")]
    for data in origin.data:
        what = f"{data.clips} clips" if data.clips else "texts"
        rows.append(("data", f"{data.name}: {what} ({data.licence})"))
    rows += [("metric", f"{name} {value:.4g}") for name, value in origin.metrics.items()]
    if manifest.parity:
        error = max(row.max_abs_error for row in manifest.parity)
        cosine = min(row.min_cosine for row in manifest.parity)
        checks = f"{len(manifest.parity)} shapes, largest error {error:.1e}, cosine >= {cosine:.6f}"
        rows.append(("parity", checks))
    return [*rows, ("made by", origin.created_by)]
