"""The static folder of `tinyalm export --to web`, from a page that was built by hand."""

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.process import one_line
from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm.cli.main import cli
from tinyalm.errors import BundleError, ConfigError, ExportError
from tinyalm.policy import Policy
from tinyalm.shipped import find_bundle
from tinyalm_export.web import command as web
from tinyalm_export.web.folder import export_web
from tinyalm_export.web.headers import CSP, HEADERS

SOURCE = Path(__file__).parents[2] / "runtimes" / "web" / "page"


@pytest.fixture
def page(tmp_path):
    """What Vite leaves, in little."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "index-abc.js").write_text("start()")
    (folder / "sw.js").write_text("keep()")
    return folder


def site_of(out):
    text = (out / "site.js").read_text()
    return json.loads(text.removeprefix("self.TINYALM_SITE = ").removesuffix(";\n"))


def test_the_folder_holds_the_page_and_a_whole_bundle(page, tmp_path):
    made = export_web(find_bundle("micro"), tmp_path / "site", page=page)
    site = site_of(tmp_path / "site")
    assert read_bundle(tmp_path / "site" / site["bundle"]).name == made.bundle == "micro"
    files = {
        file.relative_to(tmp_path / "site").as_posix(): file.stat().st_size
        for file in (tmp_path / "site").rglob("*")
        if file.is_file()
    }
    assert made.files == files
    # All is kept for use without the server, but what the browser itself asks anew.
    assert sorted(site["files"] + site["later"]) == sorted({*files} - {"sw.js", "_headers"})
    caption = read_bundle(find_bundle("micro")).caption
    names = [caption.graph.file, caption.tokenizer] if caption else []
    assert site["later"] == [site["bundle"] + name for name in names]
    assert site["policy"] is None
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o755


def test_another_content_is_another_digest_and_the_same_is_the_same(page, tmp_path):
    def digest(name):
        export_web(find_bundle("micro"), tmp_path / name, page=page)
        return site_of(tmp_path / name)["digest"]

    first = digest("one")
    assert digest("two") == first
    (page / "assets" / "index-abc.js").write_text("start(1)")
    assert digest("three") != first


def test_the_headers_are_those_of_the_page_and_of_hosts_that_read_a_file(page, tmp_path):
    assert json.loads((SOURCE / "headers.json").read_text()) == HEADERS
    export_web(find_bundle("micro"), tmp_path / "site", page=page)
    lines = (tmp_path / "site" / "_headers").read_text().splitlines()
    assert lines[0] == "/*"
    assert f"  Content-Security-Policy: {CSP}" in lines


def test_the_page_has_no_inline_script_or_style():
    text = (SOURCE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)


def test_an_empty_folder_is_filled_and_any_other_refused(page, tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    export_web(find_bundle("micro"), out, page=page)
    assert (out / "index.html").is_file()
    before = sorted(out.rglob("*"))
    with pytest.raises(ConfigError, match="site: exists and is no empty folder; choose another"):
        export_web(find_bundle("micro"), out, page=page)
    assert sorted(out.rglob("*")) == before


def test_a_page_that_was_not_built_says_how(tmp_path):
    with pytest.raises(ExportError, match="the page was not built; run 'make page'"):
        export_web(find_bundle("micro"), tmp_path / "site", page=tmp_path / "no-page")
    assert not list(tmp_path.iterdir())


def test_an_altered_bundle_leaves_nothing(page, tmp_path):
    bundle = tmp_path / "altered.tinyalm"
    shutil.copytree(find_bundle("micro"), bundle)
    with (bundle / "audio.onnx").open("r+b") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="wrong hash"):
        export_web(bundle, tmp_path / "site", page=page)
    assert {path.name for path in tmp_path.iterdir()} == {"page", "altered.tinyalm"}


def test_a_link_to_nothing_in_the_page_leaves_nothing(page, tmp_path):
    (page / "gone.js").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match=r"nowhere|gone"):
        export_web(find_bundle("micro"), tmp_path / "site", page=page)
    assert {path.name for path in tmp_path.iterdir()} == {"page"}


def test_a_policy_is_written_where_a_page_can_keep_to_it(page, tmp_path):
    policy = Policy(tasks=("tag", "embed"), labels=("rain",))
    export_web(find_bundle("micro"), tmp_path / "site", policy=policy, page=page)
    name = site_of(tmp_path / "site")["policy"]
    written = (tmp_path / "site" / name).read_bytes()
    assert msgspec.json.decode(written, type=Policy) == policy
    for field, value in {"audit": "log.jsonl", "speech": "drop"}.items():
        other = msgspec.structs.replace(policy, **{field: value})
        with pytest.raises(ConfigError, match=field):
            export_web(find_bundle("micro"), tmp_path / "other", policy=other, page=page)


@pytest.fixture
def command(page, monkeypatch):
    """`tinyalm export` of the hand-built page; the command's result."""
    monkeypatch.setattr(web, "PAGE", page)
    return lambda *args: CliRunner().invoke(cli, ["export", *map(str, args)])


def test_the_command_takes_a_shipped_student_by_name(command, tmp_path):
    policy = tmp_path / "few.toml"
    policy.write_text('format_version = 1\ntasks = ["tag", "embed"]\n')
    done = command("micro", "--to", "web", "--out", tmp_path / "s", "--policy", policy)
    assert done.exit_code == 0, done.output
    wrote, following = done.stdout.splitlines()
    files = sum(file.is_file() for file in (tmp_path / "s").rglob("*"))
    assert wrote.startswith(f"wrote {tmp_path / 's'}: the page with micro, {files} files, ")
    assert f"tinyalm serve {tmp_path / 's'}" in following
    assert site_of(tmp_path / "s")["policy"] == "policy.json"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("micro", "--to", "web"), "name the folder to make: --out DIR"),
        (("micro", "--to", "web", "--out", "x", "--no-text"), "--no-text does not go with"),
        (("micro", "--to", "web", "--out", "x", "--gpu", "sm86"), "--gpu does not go with"),
        (("no-such", "--to", "web", "--out", "x"), f"no-such: no bundle here ({MANIFEST} is"),
    ],
)
def test_what_does_not_go_together_is_one_line(command, tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    done = command(*args)
    assert done.exit_code == 2
    assert said in one_line(done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_checkpoint_is_told_to_become_a_bundle_first(command, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    done = command(tmp_path / "checkpoint", "--to", "web", "--out", tmp_path / "site")
    assert "--precision int8 --target web --out NAME.tinyalm" in one_line(done.stderr)
