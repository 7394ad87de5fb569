from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a captioner that knows the tones' words. Not to be written to."""
    from tests.captioners import train_captioner

    folder = tmp_path_factory.mktemp("captioner")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYALM_CACHE", str(folder / "cache"))
        return train_captioner(folder)


@pytest.fixture(scope="session")
def bundle(captioner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with it. Not to be written to."""
    from tests.captioners import bundle_with

    return bundle_with(tmp_path_factory.mktemp("bundle") / "tones.tinyalm", captioner)
