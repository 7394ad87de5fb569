"""Signed bundles, through the command that signs and the ways that load."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import tinyalm
from tests.policy.files import write_keys
from tinyalm.bundle import MANIFEST, read_bundle
from tinyalm.cli.main import cli
from tinyalm.errors import BundleError, ConfigError, TinyalmError
from tinyalm.shipped import find_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find_bundle(None), tmp_path / "student.tinyalm"))


def sign(path: Path, key: Path) -> None:
    ran = CliRunner().invoke(cli, ["sign", str(path), "--key", str(key)])
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.endswith(".sig\n")


def test_a_signed_bundle_loads_with_its_key_alone(bundle: Path, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, "own")
    other_private, _ = write_keys(tmp_path, "other")
    with pytest.raises(ConfigError, match="not signed"):
        tinyalm.load(bundle, key=public)
    sign(bundle, private)
    assert tinyalm.load(bundle, key=public).manifest == tinyalm.load(bundle).manifest
    sign(bundle, other_private)
    with pytest.raises(ConfigError, match="not of this file by the key"):
        tinyalm.load(bundle, key=public)


def test_one_byte_anywhere_is_refused(bundle: Path, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, "own")
    sign(bundle, private)
    for file in sorted(bundle.iterdir()):
        content = file.read_bytes()
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(TinyalmError, match=rf"{file.name.removesuffix('.sig')}: "):
            read_bundle(bundle, public)
        file.write_bytes(content)
    read_bundle(bundle, public)
    (bundle / "other.sig").touch()
    with pytest.raises(BundleError, match="not one of the bundle's files"):
        read_bundle(bundle, public)


def test_the_key_may_come_from_the_environment(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = write_keys(tmp_path, "own")
    monkeypatch.setenv("TINYALM_BUNDLE_KEY", str(public))
    ran = CliRunner().invoke(cli, ["info", str(bundle)])
    assert ran.exit_code == 2
    assert ran.stderr.count("\n") == 1
    sign(bundle, private)
    ran = CliRunner().invoke(cli, ["info", str(bundle)])
    assert f"by the key {public}" in ran.stdout
    monkeypatch.delenv("TINYALM_BUNDLE_KEY")
    ran = CliRunner().invoke(cli, ["info", str(bundle)])
    assert "not checked" in ran.stdout


def test_openssl_verifies_it_too(bundle: Path, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    private, public = write_keys(tmp_path, "own")
    sign(bundle, private)
    manifest = bundle / MANIFEST
    given = ["-rawin", "-in", str(manifest), "-sigfile", f"{manifest}.sig"]
    verify = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", str(public), *given]
    assert subprocess.run(verify, capture_output=True).returncode == 0


def test_what_is_neither_bundle_nor_policy_is_not_signed(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path, "own")
    (tmp_path / "text.toml").write_text("hello")
    for path in (tmp_path, tmp_path / "text.toml", tmp_path / "missing"):
        ran = CliRunner().invoke(cli, ["sign", str(path), "--key", str(private)])
        assert ran.exit_code == 2
        assert str(path) in ran.stderr
        assert ran.stderr.count("\n") == 1
