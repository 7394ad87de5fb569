import errno
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

import tinyalm
from tests.process import COMMAND, environment, one_line
from tests.process import tinyalm as run
from tinyalm.cli import main
from tinyalm.errors import ConfigError
from tinyalm.extras import extras, missing, pip_command
from tinyalm.plugins import Plugin


@pytest.fixture
def plugin(monkeypatch):
    """Register a command that the extra [export] brings; returns a function that sets its body."""
    module = ModuleType("tinyalm_export.stub")
    stub = Plugin("tinyalm_export.stub", "export")
    monkeypatch.setattr(main, "plugin", lambda _, name: stub if name == "export" else None)
    monkeypatch.setattr(main, "plugins", lambda _: ["export"])
    monkeypatch.setitem(sys.modules, "tinyalm_export.stub", module)

    def export(body):
        module.export = click.command(help="Export a student. More about it.")(body)

    return export


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr("tinyalm.extras._installed", lambda package: package != "torch")


def body(error):
    def raises():
        raise error

    return raises


def test_the_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"tinyalm, version {tinyalm.__version__}\n")


def test_the_help_names_the_commands_and_stays_light():
    code = (
        "import atexit, sys; from tinyalm.cli.main import run\n"
        "heavy = {'torch', 'onnx', 'onnxruntime'}\n"
        "atexit.register(lambda: print(sorted(heavy & {*sys.modules})))\n"
        "sys.argv = ['tinyalm', '--help']; run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for line in ("doctor ", "info ", "tag ", "distill ", "eval ", "export "):
        assert f"\n  {line}" in done.stdout
    assert done.stdout.endswith("[]\n")
    assert done.stderr == ""


@pytest.mark.parametrize("args", [["nope"], ["tag"], ["tag", "x.wav", "--top-k", "0"], ["--nope"]])
def test_usage_errors_end_with_status_2(args):
    done = run(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: tinyalm" in done.stderr


def test_a_registered_command_runs_and_is_listed(plugin):
    plugin(lambda: click.echo("exported"))
    assert CliRunner().invoke(main.cli, ["export"]).output == "exported\n"
    assert "  export   Export a student." in CliRunner().invoke(main.cli, ["--help"]).output


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("x is 3; make it 2"), "tinyalm: x is 3; make it 2"),
        (KeyboardInterrupt(), "tinyalm: interrupted; what was finished is kept"),
        (OSError(errno.ENOSPC, "full"), "tinyalm: the disk is full; make room and run the command"),
        (PermissionError(13, "Permission denied", "/x"), "tinyalm: [Errno 13] Permission denied"),
        (OSError("many\nlines"), "tinyalm: many lines"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_that_a_user_can_mend_are_one_line(plugin, error, line):
    plugin(body(error))
    done = CliRunner().invoke(main.cli, ["export"])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_fault_of_ours_keeps_its_traceback(plugin):
    plugin(body(ZeroDivisionError()))
    assert isinstance(CliRunner().invoke(main.cli, ["export"]).exception, ZeroDivisionError)


@pytest.mark.usefixtures("no_torch")
def test_an_extra_that_is_missing_when_the_command_runs(plugin):
    plugin(body(ModuleNotFoundError("No module named 'torch'", name="torch")))
    done = CliRunner().invoke(main.cli, ["export"])
    assert done.exit_code == 2
    assert done.stderr == 'tinyalm export needs: pip install "tinyalm[export]"\n'


@pytest.mark.usefixtures("plugin", "no_torch")
def test_an_extra_that_is_missing_when_the_command_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "tinyalm_export.stub", None)
    done = CliRunner().invoke(main.cli, ["export", "x"])
    assert done.exit_code == 2
    assert done.stderr == 'tinyalm export needs: pip install "tinyalm[export]"\n'
    assert 'export   needs: pip install "tinyalm[export]"' in run_help()


def test_a_command_that_is_broken_does_not_hide_the_others(plugin, monkeypatch):
    plugin(lambda: None)
    monkeypatch.setattr("tinyalm.extras._installed", lambda _: True)
    monkeypatch.setitem(sys.modules, "tinyalm_export.stub", None)
    assert isinstance(CliRunner().invoke(main.cli, ["export"]).exception, ModuleNotFoundError)
    assert "export   cannot be imported: " in run_help()
    assert "tag      Say which labels" in run_help()


def run_help():
    return CliRunner().invoke(main.cli, ["--help"]).output


def test_the_extras_are_read_from_the_installed_metadata():
    found = extras()
    assert {"distill", "export", "dev"} <= set(found)
    assert "torch" in found["distill"]
    assert "tinyalm" not in found["dev"]
    assert "pytest" in found["dev"]
    assert missing(["numpy", "no-such-package"]) == ["no-such-package"]
    assert pip_command("export") == 'pip install "tinyalm[export]"'


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_the_output_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "doctor"], stdout=full, stderr=-1, text=True, env=environment(), check=False
        )
    assert done.returncode == 2
    assert "the disk is full" in one_line(done.stderr)
