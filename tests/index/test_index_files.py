"""Files that are no index of this model, and places where none can be written."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import tinyalm
from tests.fakes import DIM, make_bundle, write_tone
from tests.indexing import sounds
from tests.process import environment
from tinyalm.adapters import LearnedLabels, ResidualMap, encoder_of
from tinyalm.errors import ConfigError, IndexFileError


@pytest.fixture
def file(model, tmp_path):
    """An index of eight recordings."""
    sounds(tmp_path / "sounds")
    with model.index(tmp_path / "sounds.db") as index:
        index.sync(tmp_path / "sounds")
    return tmp_path / "sounds.db"


def use(model, file):
    with model.index(file) as index:
        index.search("hum")
        index.info()


def refused(model, file, message):
    with pytest.raises(IndexFileError, match=message) as caught:
        use(model, file)
    assert str(caught.value).startswith(f"{file}: ")
    assert len(str(caught.value).splitlines()) == 1


def change(file, statement):
    db = sqlite3.connect(file)
    db.executescript(statement)
    db.close()


def test_foreign_files_are_refused_and_left_alone(model, tmp_path):
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("no database at all, but long enough to be taken for one" * 20)
    change(other, "CREATE TABLE mine (a); PRAGMA user_version = 7;")
    for file, message in ((text, "no SQLite file"), (other, "an SQLite file, but not an index")):
        before = file.read_bytes()
        refused(model, file, message)
        assert file.read_bytes() == before
    refused(model, tmp_path, "a folder; name a file")
    refused(model, tmp_path / "none" / "a.db", "in a folder that is not there")


def test_an_empty_file_becomes_an_index(model, tmp_path):
    (tmp_path / "a.db").touch()
    with model.index(tmp_path / "a.db") as index:
        assert index.info().recordings == 0


@pytest.mark.parametrize(("version", "remedy"), [(99, "update tinyalm"), (0, "sync again")])
def test_other_versions_are_refused(model, file, version, remedy):
    change(file, f"PRAGMA user_version = {version}")
    refused(model, file, f"index version {version}, and this tinyalm reads 2; .*{remedy}")


def test_damage_is_said(model, file):
    content = file.read_bytes()
    for start, length in ((0, 5000), (4096, len(content))):
        file.write_bytes(content[:start] + b"\xa5" * (length - start) + content[length:])
        refused(model, file, "damaged|no SQLite file")
    file.write_bytes(content)
    change(file, "UPDATE segments SET embedding = x'00' WHERE id = 3")
    refused(model, file, f"damaged, an embedding has not {DIM} numbers")


def test_another_model_is_refused_by_name(file, tmp_path):
    import onnx

    def other_graph(folder):
        from tests.fakes import fill

        fill(folder)
        graph = onnx.load(folder / "audio.onnx")
        graph.producer_name = "another"
        onnx.save(graph, folder / "audio.onnx")

    import msgspec

    from tinyalm.bundle import read_bundle, write_bundle

    manifest = read_bundle(make_bundle(tmp_path / "b.tinyalm"))
    renamed = msgspec.structs.replace(manifest, name="others")
    write_bundle(tmp_path / "b.tinyalm", renamed, other_graph)
    message = "made by 'tones' .*and this is 'others' .*use that model .* or sync into a new index"
    refused(tinyalm.load(tmp_path / "b.tinyalm"), file, message)


def test_a_renamed_bundle_of_the_same_encoder_is_welcome(file, tmp_path):
    model = tinyalm.load(make_bundle(tmp_path / "b.tinyalm", name="renamed", calibration=None))
    with model.index(file) as index:
        assert index.search("hum", top_k=1)[0].file.endswith("hum.wav")


def test_a_residual_map_makes_another_model_and_a_learned_label_does_not(bundle, file):
    model = tinyalm.load(bundle)
    draw, encoder = np.random.default_rng(0), encoder_of(model.manifest)
    down, up = draw.normal(size=(2, DIM)).astype("f4"), draw.normal(size=(DIM, 2)).astype("f4")
    row = np.eye(DIM, dtype="f4")[:1]
    one = np.ones(1, "f4")
    bell = LearnedLabels("bell", encoder, ["my bell"], [5], 0.05, row, one, one, one)
    with model.index(file) as index:
        model.attach(bell)
        assert index.search("my bell", top_k=1)[0].file.endswith("hum.wav")
        model.attach(ResidualMap("farm", encoder, down, up))
        with pytest.raises(ConfigError, match=r"is now 'tones' .* with the adapter 'farm'"):
            index.search("hum")
    refused(model, file, "made by 'tones' .*and this is 'tones' .* with the adapter 'farm'")
    with model.index(file.with_name("farm.db")) as index:
        index.sync(file.with_name("sounds"))
        assert index.info().residual == "farm"
        best = index.search_audio(file.with_name("sounds") / "horn.wav", top_k=1)[0]
        assert best.file.endswith("horn.wav")
        assert best.similarity > 0.999


LIMITED = """
import os, resource, sys, tinyalm, tinyalm.index.index
from tinyalm.errors import TinyalmError
bundle, file, sound, what = sys.argv[1:]
model = tinyalm.load(bundle)
model.embed_text("hum")
import usearch.index
if what == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
elif os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)  # root may write anywhere
with model.index(file) as index:
    print(index.search("hum", top_k=1)[0].file)
    try:
        for _ in range(100):
            index.add(sound)
            index.remove(sound)
    except TinyalmError as error:
        print(error)
    print(index.info().recordings)
"""


def limited(bundle, file, sound, what):
    command = [sys.executable, "-c", LIMITED, *map(str, (bundle, file, sound)), what]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment(), check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_no_room_is_one_line_and_what_was_there_stays(bundle, model, file, tmp_path):
    sound = write_tone(tmp_path / "long.wav", "buzz", 60)
    found, error, count = limited(bundle, file, sound, "full")
    assert found.endswith("hum.wav")
    assert error.startswith(f"{file}: ")
    assert "what is finished is kept" in error
    with model.index(file) as index:
        assert index.info().recordings == int(count) >= 8
        assert index.add(sound) in ("added", "unchanged")
        assert index.search("buzz", folder=sound, top_k=100)[29].similarity > 0.99


def test_an_index_that_cannot_be_written_can_be_searched(bundle, model):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sounds(folder / "sounds")
        with model.index(folder / "sounds.db") as index:
            index.sync(folder / "sounds")
        make_bundle(folder / "tones.tinyalm")
        (folder / "sounds.db").chmod(0o444)
        folder.chmod(0o555)
        try:
            sound = folder / "sounds" / "buzz.wav"
            os.utime(sound, (1, 1))
            bundle = folder / "tones.tinyalm"
            found, error, count = limited(bundle, folder / "sounds.db", sound, "read-only")
        finally:
            folder.chmod(0o755)
    assert found.endswith("hum.wav")
    assert "cannot be written, it can only be searched" in error
    assert count == "8"
