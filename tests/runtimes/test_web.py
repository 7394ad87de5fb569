"""The browser's library under node: it answers as the Python runtime does."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.fakes import WORDS
from tinyalm.audio import read
from tinyalm.frontend import PRESETS, log_mel, preset, program
from tinyalm.shipped import find_bundle

if TYPE_CHECKING:
    from types import ModuleType

WEB = Path(__file__).parents[2] / "runtimes" / "web"
SOUNDS = Path("build/test-cache/assets/demo-sounds")  # where another test fetched them
RATE = 44100
LONGEST = 2  # seconds of a recording that are heard

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (WEB / "node_modules").is_dir(), reason="npm's packages are not installed: make page"
    ),
]


def script(name: str) -> ModuleType:
    """A script of the library's tests, as a module."""
    spec = importlib.util.spec_from_file_location(name, WEB / "test" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(WEB / "test"), *sys.path])
        spec.loader.exec_module(module)
    return module


def write_case(folder: Path, bundle: Path, clips: list[Any], labels: list[str]) -> None:
    """A folder with what Python answers, and the samples that are no pieces."""
    folder.mkdir(parents=True)
    for name, _, given in clips:
        if isinstance(given, np.ndarray):
            (folder / f"{name}.f32").write_bytes(given.astype("<f4").tobytes())
    made = script("make_goldens")
    answers = made.goldens(bundle, clips, labels) | {"bundle": str(bundle)}
    (folder / "golden.json").write_text(made.written(answers), "utf-8")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of four kinds: a student in fp32, graphs alone, a captioner, and real recordings."""
    from tests.captioners import bundle_with, train_captioner
    from tests.export.students import save_checkpoint
    from tinyalm_export.exporter import export_bundle

    made = script("make_goldens")
    root, work = tmp_path_factory.mktemp("cases"), tmp_path_factory.mktemp("bundles")
    student = work / "tiny.tinyalm"
    export_bundle(save_checkpoint(work / "checkpoint"), student)
    write_case(root / "student", student, made.SOUNDS, ["dog barking", "heavy rain", "far siren"])
    (work / "captioner").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYALM_CACHE", str(work / "cache"))
        captioner = train_captioner(work / "captioner")
    tones = bundle_with(work / "tones.tinyalm", captioner)
    write_case(root / "tones", tones, made.SOUNDS[:4], list(WORDS))
    write_front_ends(root / "front-ends")
    if SOUNDS.is_dir():
        files = sorted(SOUNDS.glob("animals/*"))[:10]
        write_case(root / "recordings", find_bundle(), [heard(file) for file in files], made.LABELS)
    return root


def write_front_ends(folder: Path) -> None:
    """The programs of all presets, and what the reference answers to two sounds."""
    folder.mkdir()
    for name in PRESETS:
        spec = preset(name)
        (folder / f"{name}.logmel").write_bytes(program(spec))
        pieces = [["chirp", 0.3, 100, 7000], ["noise", 0.1, 3, 1e-4]]
        sound = script("sounds").sound(pieces, spec.sample_rate)
        for kind, samples in (("long", sound), ("short", sound[100:137])):
            values = log_mel(samples, spec).astype("<f4")
            (folder / f"{name}.logmel.{kind}").write_bytes(values.tobytes())


def heard(file: Path) -> tuple[str, int, np.ndarray]:
    """Name, rate, and the first seconds of a recording."""
    return file.stem, RATE, read(file, RATE)[: LONGEST * RATE]


def test_the_library_answers_as_the_python_runtime_does(cases: Path) -> None:
    done = subprocess.run(
        ["npx", "vitest", "run", "--reporter=dot"],
        cwd=WEB,
        env=os.environ | {"TINYALM_WEB_GOLDENS": str(cases), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def test_the_goldens_that_are_kept_are_those_of_the_bundle_that_ships() -> None:
    made = script("make_goldens")
    kept = json.loads(made.OUT.read_text("utf-8"))
    assert made.OUT.stat().st_size < 300_000
    name, rate, pieces = made.SOUNDS[0]
    fresh = made.goldens(find_bundle(), [(name, rate, pieces)], made.LABELS[:2])
    ours, theirs = (one["clips"][0]["own"]["tags"] for one in (kept, fresh))
    assert [tag["label"] for tag in ours] == [tag["label"] for tag in theirs]
    found = [tag["similarity"] for tag in theirs]
    assert [tag["similarity"] for tag in ours] == pytest.approx(found, abs=0.05)
    assert kept["tokens"] == fresh["tokens"]
    assert kept["named"] == made.common()["named"]


def test_the_library_knows_the_sensitive_texts_of_the_python_runtime() -> None:
    made = script("sensitive")
    assert made.OUT.read_text("utf-8") == made.content()
