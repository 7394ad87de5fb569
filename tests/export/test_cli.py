import subprocess
import sys

import msgspec
from click.testing import CliRunner

from tests.export.students import META, save_checkpoint
from tests.process import one_line, tinyalm
from tinyalm.bundle import read_bundle
from tinyalm.cli.main import cli


def test_the_command_says_what_it_wrote_and_nothing_else(int8_run):
    out, done = int8_run
    first, *files, parity, cost, last = done.stdout.splitlines()
    assert first.startswith(f"wrote {out}: small, int8, ")
    assert [line.split()[0] for line in files] == sorted(read_bundle(out).files)
    assert parity.startswith("against torch on 8 shapes: largest error ")
    assert cost.startswith("int8 against fp32 on validation windows: mean cosine ")
    assert last == f"next: tinyalm tag FILE --bundle {out}"
    steps = done.stderr.splitlines()
    assert steps == [f"making and proving the int8 {p}" for p in ("text graph", "audio graphs")]


def refused(*args):
    """The one line with which the command ends, in this process: torch takes long to import."""
    done = CliRunner().invoke(cli, ["export", *map(str, args)])
    assert done.exit_code == 2
    assert not done.stdout
    return one_line(done.stderr)


def test_no_checkpoint_is_one_line(tmp_path):
    line = refused(tmp_path, "--out", tmp_path / "x.tinyalm")
    assert "make one with 'tinyalm distill run" in line


def test_what_is_no_bundle_is_not_replaced(checkpoint, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "exists and is no bundle" in refused(checkpoint, "--out", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_help_needs_no_torch():
    code = "import sys, tinyalm_export.cli; print({'torch', 'onnx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert "--precision [fp32|fp16|int8]" in tinyalm("export", "--help").stdout


def test_a_licence_that_forbids_something_waits_for_a_word(tmp_path):
    provenance = msgspec.structs.replace(META.provenance, teacher_licence="CC-BY-NC-4.0")
    meta = msgspec.structs.replace(META, provenance=provenance)
    checkpoint = save_checkpoint(tmp_path / "checkpoint", meta=meta)
    out = tmp_path / "x.tinyalm"
    line = refused(checkpoint, "--out", out)
    assert "CC-BY-NC, no commercial use (teacher nobody)" in line
    assert line.endswith("if you may, add --accept-licence CC-BY-NC")
    assert not out.exists()
    done = CliRunner().invoke(
        cli, ["export", str(checkpoint), "--out", str(out), "--accept-licence", "CC-BY-NC"]
    )
    assert done.exit_code == 0, done.output
    assert read_bundle(out).provenance.teacher_licence == "CC-BY-NC-4.0"
