"""Fixtures that several rooms of tests share; each imports what it needs when it is asked for."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyalm.model import Model


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let tests interrupt their children where the whole run was started with SIGINT ignored.

    A shell starts background jobs so, and children inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def pulled_cache() -> Iterator[Path]:
    """A cache that holds the embedded teacher and the demo sounds, kept between runs in build/.

    It is the one thing that the tests fetch; without a network they that need it are skipped.
    """
    from tinyalm.errors import FetchError
    from tinyalm_distill.fetch import pull

    cache = Path("build/test-cache").absolute()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYALM_CACHE", str(cache))
        try:
            for name in ("yamnet-minilm", "demo-sounds"):
                pull(name)
        except FetchError as error:
            pytest.skip(f"the teacher cannot be fetched: {error}")
        yield cache
