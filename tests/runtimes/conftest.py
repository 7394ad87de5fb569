"""Fixtures of the native kernel's tests."""

from pathlib import Path

import pytest

from tests.runtimes.native_builds import write_front_ends


@pytest.fixture(scope="session")
def front_ends(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All presets and some random front ends as files."""
    return write_front_ends(tmp_path_factory.mktemp("front-ends"), random=10)
