"""The options of `tinyalm export` that speak of engines, and what they ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tinyalm.cli.layout import aligned, size
from tinyalm.engine_file import engines_folder
from tinyalm.errors import ConfigError

_OPTIONS = (
    click.option(
        "--to",
        type=click.Choice(["onnx", "tensorrt", "web"]),
        default="onnx",
        show_default=True,
        help="tensorrt builds engines beside the bundle; CHECKPOINT may be a bundle then. "
        "web makes a static folder of a page with the bundle CHECKPOINT, or one by its name.",
    ),
    click.option(
        "--gpu",
        metavar="sm86,sm89,…|current",
        help="GPUs that --to tensorrt builds for; those named need not be here.",
    ),
    click.option(
        "--max-batch",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="Recordings that an engine takes at once.",
    ),
    click.option(
        "--max-seconds",
        type=float,
        default=10.0,
        show_default=True,
        help="Longest recording that an engine takes.",
    ),
    click.option(
        "--version-compatible",
        is_flag=True,
        help="Engines for later versions of TensorRT, too; needs the full TensorRT.",
    ),
)


@dataclass(frozen=True)
class EngineRequest:
    """The engines that a command line asks for; see `bundle_engines.build_engines`."""

    gpus: list[str]
    max_batch: int
    max_seconds: float
    version_compatible: bool

    def build(self, bundle: Path) -> str:
        """Build them beside ``bundle``; what the command says about it."""
        from tinyalm_export.tensorrt.bundle_engines import build_engines

        made = build_engines(
            bundle,
            gpus=self.gpus,
            max_batch=self.max_batch,
            max_seconds=self.max_seconds,
            version_compatible=self.version_compatible,
            report=lambda step: click.echo(step, err=True),
        )
        rows = [
            (path.name, size(info.bytes), f"{info.precision}, {info.flavour} {info.tensorrt}")
            for path, info in made
        ]
        lines = [f"wrote {engines_folder(bundle)}: engines for {', '.join(made[0][1].gpus)}"]
        lines.append(aligned(rows, indent="  "))
        lines.append(f'next, where such a GPU is: tinyalm.load("{bundle}", engine="tensorrt")')
        return "\n".join(lines)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which hands them on to `engine_request`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def engine_request(
    to: str, gpu: str | None, max_batch: int, max_seconds: float, version_compatible: bool
) -> EngineRequest | None:
    """What the options ask for, or None for no engines; GPUs are checked before anything is made.

    Raises:
        ConfigError: options that contradict each other, or a GPU that is not known.
        MissingExtraError: the TensorRT that these GPUs need is not installed.
    """
    if to != "tensorrt":
        if gpu is not None:
            raise ConfigError(f"--gpu {gpu}: engines are made by --to tensorrt")
        return None
    if not gpu:
        raise ConfigError("--to tensorrt needs --gpu: sm86,sm89 and the like, or current")
    from tinyalm_export.tensorrt.gpus import resolve_gpus

    gpus = [name.strip().lower() for name in gpu.split(",")]
    resolve_gpus(gpus)
    return EngineRequest(gpus, max_batch, max_seconds, version_compatible)
