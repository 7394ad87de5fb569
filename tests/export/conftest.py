"""A tiny student exported once for all tests of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.process import tinyalm

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of the tiny student. Not to be written to."""
    from tests.export.students import save_checkpoint

    return save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="session")
def fp32(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in fp32."""
    from tinyalm_export.exporter import export_bundle

    out = tmp_path_factory.mktemp("fp32") / "tiny.tinyalm"
    export_bundle(checkpoint, out)
    return out


@pytest.fixture(scope="session")
def int8_run(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess]:
    """Its bundle in int8, and the process that made it."""
    folder = tmp_path_factory.mktemp("int8")
    out = folder / "small.tinyalm"
    args = ("export", checkpoint, "--out", out, "--precision", "int8", "--name", "small")
    done = tinyalm(*args, HOME=str(folder))
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.fixture(scope="session")
def int8(int8_run: tuple[Path, subprocess.CompletedProcess]) -> Path:
    """Its bundle in int8."""
    return int8_run[0]
