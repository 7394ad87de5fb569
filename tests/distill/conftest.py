"""Fixtures of the distilling side."""

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache for each test."""
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "cache"))
