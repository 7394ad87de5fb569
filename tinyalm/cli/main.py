"""The command `tinyalm`: commands found by name, and errors that end in one line."""

import errno
import io
import sys
from importlib import import_module
from typing import IO, Any, cast

import click

from tinyalm import __version__
from tinyalm.cli import interrupts
from tinyalm.errors import TinyalmError
from tinyalm.extras import extras, missing, pip_command
from tinyalm.plugins import plugin, plugins

BUILT_IN = (
    "bench",
    "caption",
    "doctor",
    "index",
    "info",
    "labels",
    "learn",
    "listen",
    "policy",
    "search",
    "sign",
    "tag",
)
GROUP = "tinyalm.commands"


class OneLine(click.ClickException):
    """An end of the command that one line on standard error explains; status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line as it is, on standard error by default."""
        click.echo(self.message, file=file, err=True)


class Commands(click.Group):
    """Commands that are imported when they are asked for.

    The device's own are modules of `tinyalm.cli`, others `tinyalm.plugins` of the group
    `tinyalm.commands`; ``--help`` imports them for their first sentence, so that their modules
    should leave heavy imports to the functions that need them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands, sorted."""
        return sorted({*BUILT_IN, *plugins(GROUP)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command ``cmd_name``, imported now; None where there is none.

        Raises:
            OneLine: the extra that brings it is not installed.
        """
        command: click.Command
        if cmd_name in BUILT_IN:
            command = getattr(import_module(f"tinyalm.cli.{cmd_name}"), cmd_name)
            return command
        found = plugin(GROUP, cmd_name)
        if found is None:
            return None
        try:
            command = cast("click.Command", found.load())
        except ModuleNotFoundError as error:
            _explain(error, cmd_name)
            raise
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; one that cannot be imported says what it needs."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
            except OneLine as error:
                rows.append((name, error.message.removeprefix(f"tinyalm {name} ")))
            except ImportError as error:  # the others must still be listed
                rows.append((name, f"cannot be imported: {error}"))
            else:
                rows.append((name, command.get_short_help_str(64) if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever a command returns
        """Run the command; what the user can mend ends it in one line."""
        try:
            return super().invoke(ctx)
        except (TinyalmError, OSError, ModuleNotFoundError, KeyboardInterrupt) as error:
            _explain(error, ctx.invoked_subcommand or "")
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinyalm")
def cli() -> None:
    """Compact audio-language models: tag sound with any words, on the device."""


def run() -> None:
    """Run the command line of this process; never returns."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name or label that the terminal cannot show must not cost the answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    interrupts.install()
    cli(prog_name="tinyalm")


def _explain(error: BaseException, command: str) -> None:
    """Raise the `OneLine` that says ``error``; return where it is a fault of ours instead."""
    line = None
    match error:
        case TinyalmError():
            line = f"tinyalm: {error}"
        case KeyboardInterrupt():
            line = "tinyalm: interrupted; what was finished is kept"
        case ModuleNotFoundError():
            found = plugin(GROUP, command)
            extra = found.module.partition(".")[0].removeprefix("tinyalm_") if found else ""
            if missing(extras().get(extra, [])):
                line = f"tinyalm {command} needs: {pip_command(extra)}"
        case OSError(errno=errno.ENOSPC):
            line = "tinyalm: the disk is full; make room and run the command again"
        case OSError() if error.errno != errno.EPIPE:  # click ends quietly where nobody reads on
            line = f"tinyalm: {' '.join(str(error).split())}"
    if line:
        raise OneLine(line) from error
