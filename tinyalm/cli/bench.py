"""`tinyalm bench`: what a student costs on this machine."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from tinyalm.benchmark import race
from tinyalm.benchmark.tagging import contender
from tinyalm.bundle import MANIFEST, BundleManifest, read_bundle
from tinyalm.cli.doctor import examine
from tinyalm.cli.layout import aligned, size
from tinyalm.errors import MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.plugins import plugin
from tinyalm.shipped import find_bundle

ACCURACY = "tinyalm.accuracy"  # the group of entry points

Measure = Callable[..., dict[str, float]]


@click.command()
@click.argument("bundles", nargs=-1, metavar="[BUNDLE]...")
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=10.0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--runs", type=click.IntRange(min=2), default=51, show_default=True)
@click.option("--manifest", help="Zero-shot accuracy on these recordings, too (extra distill).")
@click.option("--split", help="Of the manifest.")
@click.option("--json", "as_json", is_flag=True, help="One array, a row a bundle.")
def bench(
    bundles: tuple[str, ...],
    seconds: float,
    threads: int,
    runs: int,
    manifest: str | None,
    split: str | None,
    as_json: bool,
) -> None:
    """Time tagging with each BUNDLE, from waveform to scores: folders or shipped students.

    Each runs in a process of its own, in turn with the others. A bundle's speedup is over the
    first: the median of the ratios of runs side by side, and their 5th to 95th percentile.
    """
    folders = [find_bundle(bundle) for bundle in bundles or (None,)]
    opened = [(folder, read_bundle(folder)) for folder in folders]
    measure: Measure | None = _accuracy() if manifest else None
    entrants = [contender(*one, clip_s=seconds, threads=threads) for one in opened]
    with click.progressbar(length=runs, label="runs", hidden=as_json, file=sys.stderr) as bar:
        rows = race(
            entrants,
            clip_s=seconds,
            threads=threads,
            runs=runs,
            progress=lambda _done, _of: bar.update(1),
        )
    here = _here()
    described = [
        {**msgspec.to_builtins(row), "bytes": _bytes(*one), **here}
        for row, one in zip(rows, opened, strict=True)
    ]
    if measure:
        for row, folder in zip(described, folders, strict=True):
            row["accuracy"] = measure(str(folder), manifest, split)
    if as_json:
        click.echo(json.dumps(described))
    else:
        click.echo("\n\n".join(_page(row) for row in described))


def _accuracy() -> Measure:
    """The measure of accuracy that `tinyalm_distill` brings."""
    found = plugin(ACCURACY, "zero-shot")
    if found is not None:
        with suppress(ModuleNotFoundError):
            return cast("Measure", found.load())
    raise MissingExtraError(f"tinyalm bench --manifest needs: {pip_command('distill')}")


def _bytes(folder: Path, manifest: BundleManifest) -> int:
    return (folder / MANIFEST).stat().st_size + sum(f.bytes for f in manifest.files.values())


def _here() -> dict[str, Any]:
    """What the figures depend on beside the bundle."""
    here = examine()
    return {
        "front_end": here["frontend"],
        "host": {"system": here["system"], "cpu": here["cpu"]["name"], "cores": os.cpu_count()},
        "versions": {"tinyalm": here["tinyalm"], "python": here["python"], **here["packages"]},
    }


def _page(row: dict[str, Any]) -> str:
    of = f"of {row['clip_s']:g} s, {row['threads']} thread{'s' * (row['threads'] > 1)}"
    lines = [
        ("name", row["name"]),
        ("a clip", f"{row['p50_ms']:.2f} ms, 95 % within {row['p95_ms']:.2f} ms ({of})"),
        ("real-time factor", f"{row['rtf']:.5f}"),
        ("cold start", f"{row['cold_start_s']:.2f} s from nothing to the first scores"),
        ("peak memory", f"{row['peak_rss_mb']:.0f} MB"),
        ("bundle", size(row["bytes"])),
        ("front end", row["front_end"]),
        ("speedup", f"{row['speedup']:.2f} ({row['speedup_low']:.2f}-{row['speedup_high']:.2f})"),
        ("host", f"{row['host']['cpu']}, {row['host']['cores']} cores, {row['host']['system']}"),
    ]
    lines += [(name, f"{value:.3f}") for name, value in row.get("accuracy", {}).items()]
    return aligned(lines)
