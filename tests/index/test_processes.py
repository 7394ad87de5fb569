"""Several processes, and such as are killed."""

import json
import random

import numpy as np
import soundfile

from tests.fakes import RATE, WORDS, write_tone
from tests.indexing import sounds, syncing
from tests.process import one_line, tinyalm

KILLS = 5


def many(folder, count=60):
    """Recordings of random noise, no two alike."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(count):
        soundfile.write(folder / f"{number:03d}.wav", draw.uniform(-0.5, 0.5, RATE * 2), RATE)
    return folder


def test_kill_9_during_a_sync_loses_nothing(bundle, model, tmp_path):
    folder, file = many(tmp_path / "noise"), tmp_path / "noise.db"
    chance, committed = random.Random(0), set()
    for _ in range(KILLS):
        process = syncing(bundle, file, folder)
        assert process.stdout.readline() == "ready\n"
        for _ in range(chance.randint(1, 8)):
            process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
        with model.index(file) as index:
            hits = index.search(np.ones(8, np.float32), top_k=100)
            assert all(hit.end - hit.start == 2 for hit in hits)
            found = {hit.file for hit in hits}
        assert committed <= found
        committed = found
    with model.index(file) as index:
        report = index.sync(folder)
        assert len(report.added) + len(committed) == 60
        assert report.unchanged == len(committed)
        assert index.info().recordings == index.info().segments == 60


def test_two_processes_sync_at_once(bundle, model, tmp_path):
    folder, file = many(tmp_path / "noise", 30), tmp_path / "noise.db"
    both = [syncing(bundle, file, folder) for _ in range(2)]
    for process in both:
        stdout, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (0, "")
        assert stdout.splitlines()[-1] == "failed 0"
    with model.index(file) as index:
        assert index.info().recordings == index.info().segments == 30
        assert index.sync(folder).unchanged == 30


def test_one_process_sees_what_another_writes(bundle, model, tmp_path):
    sounds(tmp_path / "sounds")
    with model.index(tmp_path / "a.db") as index:
        assert index.search("hum") == []
        syncing(bundle, tmp_path / "a.db", tmp_path / "sounds").communicate(timeout=60)
        assert index.search("hum", top_k=1)[0].file.endswith("hum.wav")


def test_the_commands_from_sync_to_export(bundle, tmp_path):
    files = sounds(tmp_path / "sounds")
    (tmp_path / "sounds" / "bad.wav").write_bytes(b"not a sound")
    given = {"TINYALM_BUNDLE": str(bundle), "TINYALM_INDEX": "a.db", "cwd": tmp_path}

    done = tinyalm("index", "sync", "sounds", **given)
    assert done.returncode == 2
    assert done.stdout == "8 added, 0 updated, 0 moved, 0 removed, 0 unchanged\n"
    assert "sounds/bad.wav: not a format" in one_line(done.stderr)

    done = tinyalm("search", "hum", "--folder", "sounds", "--top-k", 2, "--json", **given)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["file", "start", "end", "similarity"]
    assert first["file"] == str(files["hum"])
    assert first["similarity"] > 0.99 > second["similarity"]

    done = tinyalm("search", "--audio", files["horn"], "--top-k", 1, **given)
    head, row = done.stdout.splitlines()
    assert head.split() == ["similarity", "when", "file"]
    assert row.split()[1:] == ["0:00.0–0:01.0", str(files["horn"])]  # noqa: RUF001

    more = write_tone(tmp_path / "more.wav", WORDS[0])
    done = tinyalm("index", "add", more, files["hum"], "none.wav", "--json", **given)
    assert done.returncode == 2
    assert "none.wav: cannot be read" in one_line(done.stderr)
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == [
        "added",
        "unchanged",
    ]
    assert tinyalm("index", "move", "more.wav", "most.wav", **given).stdout == (
        "moved 1 recordings\n"
    )
    assert tinyalm("index", "remove", "sounds", **given).stdout == "removed 8 recordings\n"
    about = json.loads(tinyalm("index", "info", "--json", **given).stdout)
    assert (about["bundle"], about["recordings"]) == ("tones", 1)
    done = tinyalm("index", "export", "out.parquet", **given)
    assert done.stdout.startswith("out.parquet: 2 segments, ")


def test_mistakes_are_one_line(bundle, tmp_path):
    given = {"TINYALM_BUNDLE": str(bundle), "TINYALM_INDEX": "a.db", "cwd": tmp_path}
    for command, message in (
        (("search", "hum"), "a.db: no index here; make one with 'tinyalm index sync FOLDER'"),
        (("search",), "give one of TEXT and --audio FILE"),
        (("index", "sync", "none"), "none: no such folder"),
        (("index", "info", "--index", "none.db"), "none.db: no index here"),
    ):
        done = tinyalm(*command, **given)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in one_line(done.stderr)


def test_tagging_imports_neither_sqlite_nor_usearch(bundle, tmp_path):
    import subprocess
    import sys

    from tests.process import environment

    code = (
        "import sys, tinyalm; tinyalm.load(sys.argv[1]).tag(sys.argv[2], ['hum'])\n"
        "print(*{'sqlite3', 'usearch', 'pyarrow'} & {*sys.modules})"
    )
    sound = write_tone(tmp_path / "a.wav", "hum")
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle), str(sound)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(),
    )
    assert done.stdout == "\n"
