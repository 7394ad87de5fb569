"""The command `tinyalm serve`, and what `tinyalm export --to web` does."""

import functools
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tinyalm.bundle import MANIFEST, SUFFIX
from tinyalm.cli.layout import size
from tinyalm.cli.policy_options import given_policy, policy_options
from tinyalm.errors import ConfigError
from tinyalm.shipped import find_bundle
from tinyalm_export.web.folder import PAGE, export_web
from tinyalm_export.web.server import PageServer

PORT = 8765  # a browser keeps what the page stores by the port, too, so it is always the same
_TAKEN = ("checkpoint", "out", "to")  # by --to web


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def serve(folder: Path, port: int, no_browser: bool) -> None:
    """Serve the page in DIR, made by `tinyalm export --to web`, to this machine alone."""
    with PageServer(folder, port) as server:
        click.echo(f"{server.url} shows {folder}; Ctrl-C ends it")
        if not no_browser:
            # A browser in the terminal returns when it is closed, and needs the page before that.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        server.serve_forever()


def or_web(command: Callable[..., None]) -> Callable[..., None]:
    """Let the command `tinyalm export` make a static folder, too, where --to says web."""

    @functools.wraps(command)
    def export(**options: Any) -> None:  # noqa: ANN401 - the command's own
        if options["to"] == "web":
            click.echo(_export(options["checkpoint"], options["out"]))
            return
        if given_policy():
            raise ConfigError("--policy goes with --to web: a bundle holds no policy")
        command(**options)

    return policy_options(export)


def _export(bundle: Path, out: Path | None) -> str:
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == ParameterSource.COMMANDLINE
        if given and parameter.expose_value and parameter.name not in _TAKEN:
            raise ConfigError(f"{parameter.opts[0]} does not go with --to web")
    if out is None:
        raise ConfigError("name the folder to make: --out DIR")
    found = find_bundle(bundle)
    if found.is_dir() and not (found / MANIFEST).is_file():
        raise ConfigError(
            f"{found}: no bundle; --to web takes one, made by 'tinyalm export {found} "
            f"--precision int8 --target web --out NAME{SUFFIX}'"
        )
    made = export_web(found, out, policy=given_policy(), page=PAGE)
    total = size(sum(made.files.values()))
    return (
        f"wrote {out}: the page with {made.bundle}, {len(made.files)} files, {total}\n"
        f"next: tinyalm serve {out}, or put the folder on any static host with https"
    )
