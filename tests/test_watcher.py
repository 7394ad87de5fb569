"""The example app of docs/embedding.md, run as its users run it, on recordings."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.policy.files import write_keys
from tests.process import environment, tinyalm
from tinyalm.audio import read

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "watcher.py"
RATE = 16000
DAY_S = 86400


def chime(pitch=1.0, level=0.4, decay=3.0):
    """Ding-dong: two bars that were struck, (samples,) float32."""
    seconds = np.arange(RATE) / RATE
    out = np.zeros(int(1.6 * RATE))
    for hz, at in ((660, 0.0), (523, 0.6)):
        bar = sum(a * np.sin(2 * np.pi * hz * pitch * k * seconds) for k, a in PARTIALS)
        out[int(at * RATE) :][:RATE] += bar * np.exp(-decay * seconds)
    return (0.5 * level * out).astype(np.float32)


PARTIALS = ((1, 1.0), (2.76, 0.4), (5.4, 0.2))


def smoke_alarm(seconds):
    """Three beeps and a pause, as ISO 8201 wants them, (samples,) float32."""
    at = np.arange(int(seconds * RATE)) / RATE
    sounds = (at % 4 < 3) & (at % 1 < 0.5)
    wave = 0.3 * np.sin(2 * np.pi * 3100 * at) + 0.1 * np.sin(2 * np.pi * 6200 * at)
    return (sounds * wave).astype(np.float32)


def write(path, background, *sounds):
    """A recording of a background with sounds in it, each ``(second, samples)``."""
    path.parent.mkdir(exist_ok=True)
    scene = 0.5 * background
    for second, samples in sounds:
        scene[second * RATE :][: samples.size] += samples
    soundfile.write(path, scene, RATE)
    return path


@pytest.fixture(scope="module")
def ambience(pulled_cache):
    """Half a minute of a quiet place, and of a wood."""
    folder = pulled_cache / "assets" / "demo-sounds" / "ambience"
    names = ("serenity.ogg", "amazon-rainforest.ogg")
    return [read(folder / name, RATE, end_s=30.0) for name in names]


@pytest.fixture(scope="module")
def home(ambience, tmp_path_factory):
    """A house as docs/embedding.md sets it up."""
    home = tmp_path_factory.mktemp("house")
    quiet, wood = ambience
    draw = np.random.default_rng(0)
    for number in range(6):
        at = number * RATE
        ring = chime(draw.uniform(0.98, 1.02), draw.uniform(0.3, 0.6), draw.uniform(2.5, 4))
        write(home / "rings" / f"{number}.wav", quiet[at : at + ring.size].copy(), (0, ring))
    write(home / "others" / "quiet.wav", quiet[: 5 * RATE].copy())
    write(home / "others" / "wood.wav", wood[: 5 * RATE].copy())
    write(home / "others" / "beeps.wav", np.zeros(5 * RATE, "f4"), (0, smoke_alarm(5)))
    now = time.time()
    for name, background, sound, days in (
        ("today", quiet, chime(), 0),
        ("yesterday", quiet, chime(1.01), 1),
        ("yesterday-alarm", wood, smoke_alarm(8), 1),
        ("last-week", quiet, chime(), 3),
        ("last-month", quiet, chime(), 30),
    ):
        file = write(home / "recordings" / f"{name}.wav", background.copy(), (12, sound))
        os.utime(file, (now - days * DAY_S,) * 2)
    (home / "index.key").write_bytes(bytes(range(32)))
    private, public = write_keys(home)
    public.rename(home / "public.pem")
    shutil.copy(EXAMPLE.with_suffix(".toml"), home)
    signed = tinyalm("sign", home / "watcher.toml", "--key", private)
    assert signed.returncode == 0, signed.stderr
    return home


def watcher(home, *arguments):
    """Run the example."""
    return subprocess.run(
        [sys.executable, str(EXAMPLE), str(home), *map(str, arguments)],
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def answers(home, *arguments):
    done = watcher(home, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def one_line(stderr):
    (line,) = stderr.splitlines()
    assert line.startswith("watcher: ")
    return line


def test_the_doorbell_and_the_smoke_alarm_are_told(home, ambience, tmp_path):
    scene = write(
        tmp_path / "evening.wav", ambience[0].copy(), (6, chime(0.99)), (16, smoke_alarm(8))
    )
    events = answers(home, "watch", scene)
    assert [event["label"] for event in events] == ["our doorbell", "Smoke detector, smoke alarm"]
    for event, (start, end) in zip(events, ((6, 7.6), (16, 24)), strict=True):
        assert event["start"] < end
        assert event["end"] > start
        assert start - 1.5 < event["start"]
        assert event["end"] < end + 1.5


def test_yesterday_is_searched_and_no_other_day(home):
    hits = answers(home, "yesterday", "our doorbell")
    assert {Path(hit["file"]).stem for hit in hits} == {"yesterday", "yesterday-alarm"}
    best = hits[0]
    assert Path(best["file"]).stem == "yesterday"
    assert best["start"] < 13.6
    assert best["end"] > 12
    assert Path(answers(home, "yesterday")[0]["file"]).stem == "yesterday-alarm"
    # Encrypted, and what is older than the policy's week was not taken in.
    assert b"yesterday" not in (home / "sounds.db").read_bytes()
    info = tinyalm(
        "index", "info", "--index", home / "sounds.db", "--index-key", home / "index.key"
    )
    assert "recordings  4," in info.stdout, info.stdout + info.stderr


def test_what_the_policy_does_not_name_is_refused_and_logged(home):
    done = watcher(home, "yesterday", "a dog barking")
    assert done.returncode == 1
    assert "a dog barking" in one_line(done.stderr)
    log = [json.loads(line) for line in (home / "audit.jsonl").read_text().splitlines()]
    assert log[-1]["decision"] == "refused"
    assert "dog" not in (home / "audit.jsonl").read_text()


def test_a_policy_that_was_changed_is_refused(home, tmp_path):
    copy = shutil.copytree(home, tmp_path / "copy")
    with (copy / "watcher.toml").open("a") as file:
        file.write('sensitive = ["identity"]\n')
    done = watcher(copy, "yesterday")
    assert done.returncode == 1
    assert "the signature is not of this file" in one_line(done.stderr)


def test_the_document_shows_the_example_as_it_is():
    document = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    shown = re.findall(r"```(?:python|toml)\n(.*?)```", document, flags=re.DOTALL)
    assert shown
    sources = [EXAMPLE.read_text(), EXAMPLE.with_suffix(".toml").read_text()]
    for block in shown:
        assert any(block in source for source in sources), block
