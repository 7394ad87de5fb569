"""`tinyalm doctor`: what is installed here, and whether it works."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from tinyalm import __version__
from tinyalm.cache import cache_dir
from tinyalm.cli.layout import aligned
from tinyalm.engine import ENGINES, engine
from tinyalm.errors import ConfigError
from tinyalm.extras import extras, missing, pip_command
from tinyalm.frontend import kernel, preset, program
from tinyalm.plugins import plugins

PACKAGES = ("numpy", "onnxruntime", "soundfile", "soxr", "tokenizers", "msgspec", "click")
# Instructions that decide how fast float and int8 run.
X86 = ("avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
ARM = ("neon", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@click.option("--privacy", is_flag=True, help="Watch a run, and say what it did and left.")
def doctor(as_json: bool, privacy: bool) -> None:
    """Say what is installed here and whether it works.

    Exit status 2 where no engine works. With --privacy the shipped student hears a generated sound
    while the process is watched for sockets, files that are written, and programs that are started;
    exit status 2 where there is one.
    """
    if privacy:
        _privacy(as_json=as_json)
        return
    report = examine()
    click.echo(json.dumps(report) if as_json else aligned(_rows(report)))
    if all(state != "ok" for state in report["engines"].values()):
        raise click.exceptions.Exit(2)


def _privacy(*, as_json: bool) -> None:
    from tinyalm.cli.privacy import FAILED
    from tinyalm.cli.privacy import examine as watched

    checks = watched()
    if as_json:
        click.echo(json.dumps([check._asdict() for check in checks]))
    else:
        click.echo(aligned(checks))
    if any(check.state == FAILED for check in checks):
        raise click.exceptions.Exit(2)


def examine() -> dict[str, Any]:
    """What `doctor` reports, as plain data."""
    return {
        "tinyalm": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(Path("/proc/cpuinfo")),
        "packages": {name: _version(name) for name in PACKAGES},
        "libsndfile": _libsndfile(),
        "engines": {name: _opens(name) for name in plugins(ENGINES)},
        "frontend": _frontend(),
        "extras": {name: missing(packages) for name, packages in extras().items()},
        "cache": _cache(),
    }


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(key, report[key]) for key in ("tinyalm", "python", "system")]
    rows.append(("cpu", f"{report['cpu']['name']}: {' '.join(report['cpu']['features']) or '-'}"))
    rows += report["packages"].items()
    rows.append(("libsndfile", report["libsndfile"]))
    rows += [(f"engine {name}", state) for name, state in report["engines"].items()]
    rows.append(("front end", report["frontend"]))
    for name, absent in report["extras"].items():
        state = f"lacks {', '.join(absent)}: {pip_command(name)}" if absent else "installed"
        rows.append((f"extra {name}", state))
    return [*rows, ("cache", report["cache"])]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _libsndfile() -> str:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        return f"missing ({error})"
    return str(soundfile.__libsndfile_version__)


def _cache() -> str:
    try:
        return str(cache_dir())
    except ConfigError as error:
        return f"none ({error})"


def _opens(name: str) -> str:
    """``ok``, or why the engine's library does not load."""
    try:
        engine(name)
    except Exception as error:  # a library that is damaged can raise anything
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return "ok"


def _frontend() -> str:
    """The native kernel and its level, or ``graph`` and why there is no kernel."""
    try:
        return f"native ({kernel(program(preset('edge-16k'))).level})"
    except Exception as error:  # likewise
        return f"graph ({' '.join(str(error).split())})"


def _cpu(cpuinfo: Path) -> dict[str, Any]:
    """Name and instruction sets of the first processor; empty where the system does not say."""
    fields: dict[str, str] = {}
    try:
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    flags = f"{fields.get('flags', '')} {fields.get('Features', '')}".split()
    name = fields.get("model name") or platform.processor() or "unknown"
    return {"name": name, "features": [flag for flag in X86 + ARM if flag in flags]}
