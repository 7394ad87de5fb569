"""`tinyalm export clap:FOLDER`."""

from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from tinyalm.cli.layout import aligned, size
from tinyalm.errors import ConfigError
from tinyalm_export.teachers.manifest import CLAP, MANIFEST, TeacherManifest
from tinyalm_export.tensorrt.options import EngineRequest

# Those that teachers have, too.
_OPTIONS = {"checkpoint", "out", "accept", "to", "gpu", "max_batch", "version_compatible"}


def is_teacher(given: Path) -> bool:
    """Whether the command's argument is a teacher's name and not a checkpoint's folder."""
    return str(given).startswith(CLAP)


def export_teacher_command(
    given: Path, out: Path | None, accept: Sequence[str], request: EngineRequest | None
) -> str:
    """Export the teacher ``given`` to the folder ``out``; what the command says about it.

    Args:
        given: its name.
        out: the folder to make.
        accept: licences that are accepted.
        request: engines to build, too.

    Raises:
        ConfigError: no ``out``, or an option that only students have.
        TinyalmError: see `tinyalm_export.teachers.exporter.export_teacher`.
    """
    if out is None:
        raise ConfigError(f"{given}: name the folder to make: --out FOLDER")
    context = click.get_current_context()
    for option in context.params:
        stated = context.get_parameter_source(option) is not ParameterSource.DEFAULT
        if stated and option not in _OPTIONS:
            raise ConfigError(
                f"{given}: a teacher is exported as it is, in fp32, and "
                f"--{option.replace('_', '-')} goes with a student; leave it out"
            )
    from tinyalm_export.teachers.exporter import export_teacher  # imports torch

    def say(step: str) -> None:
        click.echo(step, err=True)

    manifest = export_teacher(str(given), out, accept=accept, report=say)
    lines = [_summary(manifest, out)]
    if request:
        from tinyalm_export.teachers.engines import build_teacher_engines

        made = build_teacher_engines(
            out,
            manifest,
            gpus=request.gpus,
            max_batch=request.max_batch,
            version_compatible=request.version_compatible,
            report=say,
        )
        lines.append(f"wrote {made[0][0].parent}: engines for {', '.join(made[0][1].gpus)}")
        lines.append(aligned([(path.name, size(i.bytes)) for path, i in made], indent="  "))
    return "\n".join(lines)


def _summary(manifest: TeacherManifest, out: Path) -> str:
    about = {
        graph.file: f"{graph.precision}, opset {graph.opset}, {graph.parameters:,} parameters"
        for graph in manifest.graphs
    }
    rows = [(f, size(info.bytes), about.get(f, "")) for f, info in manifest.files.items()]
    error = max(row.max_abs_error for row in manifest.parity)
    cosine = min(row.min_cosine for row in manifest.parity)
    lines = [f"wrote {out}: {manifest.name}, licence {manifest.licence}"]
    lines.append(aligned(rows, indent="  "))
    lines.append(
        f"against torch on {len(manifest.parity)} batches: largest error {error:.1e}, "
        f"lowest cosine {cosine:.6f} ({MANIFEST})"
    )
    return "\n".join(lines)
