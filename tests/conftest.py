"""Fixtures that several rooms of tests share; each imports what it needs when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tinyalm.model import Model


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real bundle (see `tests.fakes`). Not to be written to."""
    from tests.fakes import make_bundle

    return make_bundle(tmp_path_factory.mktemp("bundle") / "tones.tinyalm")


@pytest.fixture(scope="session")
def model(bundle: Path) -> Model:
    """The bundle, loaded."""
    import tinyalm

    return tinyalm.load(bundle)
