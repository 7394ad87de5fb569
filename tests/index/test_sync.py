import shutil

import pytest

from tests.audio_files import bad_files
from tests.fakes import WORDS, write_tone
from tests.indexing import sounds
from tinyalm.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    sounds(tmp_path / "sounds" / "deep")
    return tmp_path / "sounds"


@pytest.fixture
def index(model, tmp_path):
    with model.index(tmp_path / "sounds.db") as index:
        yield index


def test_only_what_is_new_or_changed_is_done(index, folder):
    (folder / "notes.txt").write_text("not a sound")
    seen = []
    report = index.sync(folder, progress=lambda *at: seen.append(at))
    assert seen == [(i, len(WORDS)) for i in range(len(WORDS) + 1)]
    assert report.added == [str(folder / "deep" / f"{word}.wav") for word in sorted(WORDS)]
    assert index.sync(folder).to_dict() == {
        "added": [],
        "updated": [],
        "moved": [],
        "removed": [],
        "unchanged": len(WORDS),
        "expired": 0,
        "failed": [],
    }
    write_tone(folder / "deep" / "hum.wav", "hiss", 2)
    write_tone(folder / "new.wav", "hum", 2)
    (folder / "deep" / "buzz.wav").unlink()
    (folder / "deep" / "horn.wav").rename(folder / "trumpet.wav")
    report = index.sync(folder)
    assert report.updated == [str(folder / "deep" / "hum.wav")]
    assert report.added == [str(folder / "new.wav")]
    assert report.removed == [str(folder / "deep" / "buzz.wav")]
    assert report.moved == [(str(folder / "deep" / "horn.wav"), str(folder / "trumpet.wav"))]
    assert report.unchanged == len(WORDS) - 3
    assert index.search("horn", top_k=1)[0].file == str(folder / "trumpet.wav")


def test_copies_are_told_apart(index, folder):
    for copy in ("a.wav", "b.wav"):
        shutil.copy2(folder / "deep" / "hum.wav", folder / copy)
    index.sync(folder)
    (folder / "a.wav").rename(folder / "c.wav")
    (folder / "b.wav").rename(folder / "d.wav")
    assert len(index.sync(folder).moved) == 2
    same = {h.file for h in index.search("hum", top_k=3)}
    assert same == {str(folder / name) for name in ("deep/hum.wav", "c.wav", "d.wav")}


def test_only_the_folder_is_touched(index, folder, tmp_path):
    other = sounds(tmp_path / "other")
    index.sync(folder)
    index.sync(tmp_path / "other")
    other["hum"].unlink()
    assert index.sync(folder).removed == []
    assert index.info().recordings == 2 * len(WORDS)


def test_bad_files_cost_a_line_each(index, folder):
    shutil.rmtree(folder / "deep")
    bad = bad_files(folder / "bad")
    write_tone(folder / "good.wav", "hum")
    report = index.sync(folder)
    assert report.added == [str(folder / "good.wav")]
    named = [f for f in bad.values() if f.is_file() and f.suffix != ".raw"]
    assert len(report.failed) == len(named)
    for file, line in zip(sorted(named), report.failed, strict=True):
        assert line.startswith(f"{file}: ")


def test_files_that_vanish_midway_cost_a_line_each(index, folder):
    def vanish(done, _total):
        if done == 2:
            for word in sorted(WORDS)[-2:]:  # files are taken in the order of their names
                (folder / "deep" / f"{word}.wav").unlink()

    report = index.sync(folder, progress=vanish)
    assert len(report.added) == len(WORDS) - 2
    assert len(report.failed) == 2
    assert all("cannot be read (No such file or directory)" in line for line in report.failed)


def test_a_recording_that_is_spoilt_keeps_its_entry_until_it_is_gone(index, folder):
    index.sync(folder)
    (folder / "deep" / "hum.wav").write_bytes(b"half written")
    assert len(index.sync(folder).failed) == 1
    assert index.search("hum", top_k=1)[0].file == str(folder / "deep" / "hum.wav")
    (folder / "deep" / "hum.wav").unlink()
    assert index.sync(folder).removed == [str(folder / "deep" / "hum.wav")]


def test_a_folder_that_is_suddenly_empty_empties_nothing(index, folder):
    index.sync(folder)
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(ConfigError, match="sounds: no such folder"):
        index.sync(folder)
    folder.mkdir()
    with pytest.raises(ConfigError, match="no audio file here, and the index has 8 of it"):
        index.sync(folder)
    assert index.info().recordings == len(WORDS)


def test_relative_folders_and_links_are_what_they_are_called(index, folder, monkeypatch):
    (folder.parent / "link").symlink_to(folder)
    monkeypatch.chdir(folder.parent)
    index.sync("link")
    assert index.sync(folder.parent / "link").unchanged == len(WORDS)
    assert index.search("hum", top_k=1)[0].file == str(folder.parent / "link" / "deep" / "hum.wav")
