import os
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tinyalm
from tests.fakes import DIM, RATE, TONES, WORDS, tone, write_tone
from tests.indexing import sounds
from tinyalm.errors import AudioError, BundleError, ConfigError, IndexFileError


@pytest.fixture
def index(model, tmp_path):
    with model.index(tmp_path / "sounds.db") as index:
        yield index


@pytest.fixture
def full(index, tmp_path):
    """An index of a recording of each word."""
    index.sync(sounds(tmp_path / "sounds").popitem()[1].parent)
    return index


def test_words_find_the_moment(index, tmp_path):
    street = tmp_path / "street.wav"
    soundfile.write(street, np.concatenate([tone(250, 4), tone(5000, 2), tone(250, 4)]), RATE)
    assert index.add(street) == "added"
    best = index.search("hiss", top_k=1)[0]
    assert (best.file, best.start, best.end) == (str(street), 4, 6)
    assert best.similarity == pytest.approx(1, abs=0.01)
    assert best.to_dict() == {
        "file": str(street), "start": 4, "end": 6, "similarity": best.similarity
    }  # fmt: skip


def test_every_word_finds_its_recording(full, tmp_path):
    for word in WORDS:
        hits = full.search(word, top_k=3)
        assert len(hits) == 3
        assert hits[0].file == str(tmp_path / "sounds" / f"{word}.wav")
        assert hits[0].similarity > hits[1].similarity >= hits[2].similarity


def test_sounds_find_what_sounds_like_them(full, model, tmp_path):
    asked = write_tone(tmp_path / "asked.wav", "horn", 1.5)
    best = full.search_audio(asked, top_k=1)
    assert best[0].file == str(tmp_path / "sounds" / "horn.wav")
    samples = tone(TONES[2], 1.5)
    assert full.search_audio(samples, sample_rate=RATE, top_k=1)[0].file == best[0].file
    assert full.search(model.embed_audio(asked), top_k=1) == best


def test_one_moment_is_answered_once(index, tmp_path):
    # Windows of 2 s every second: those of a long tone overlap, and are all alike.
    index.add(write_tone(tmp_path / "long.wav", "hum", 9.5))
    index.add(write_tone(tmp_path / "other.wav", "hiss", 2))
    hits = index.search("hum", top_k=5)
    spans = sorted((h.start, h.end) for h in hits if h.file.endswith("long.wav"))
    assert len(spans) == 4
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert hits[4].file.endswith("other.wav")


def test_an_unchanged_recording_is_left_and_a_changed_one_is_updated(index, tmp_path):
    file = write_tone(tmp_path / "a.wav", "hum", 1)
    assert [index.add(file), index.add(file)] == ["added", "unchanged"]
    os.utime(file, ns=(1, 1))
    assert index.add(file) == "unchanged"
    write_tone(file, "hiss", 5)
    assert index.add(file) == "updated"
    assert index.info().recordings == 1
    assert index.info().seconds == 5
    assert index.search("hum", top_k=1)[0].similarity < 0.1
    assert index.search("hiss", top_k=1)[0].similarity > 0.99


def test_remove_and_move_take_files_and_folders(full, tmp_path):
    folder = tmp_path / "sounds"
    assert full.remove(folder / "hum.wav") == 1
    assert full.move(folder / "horn.wav", folder / "deep" / "horn.wav") == 1
    assert full.search("horn", top_k=1)[0].file == str(folder / "deep" / "horn.wav")
    assert full.move(folder, tmp_path / "elsewhere") == 7
    assert full.search("hiss", top_k=1)[0].file == str(tmp_path / "elsewhere" / "hiss.wav")
    assert full.move(tmp_path / "elsewhere", tmp_path / "elsewhere" / "deep") == 7
    assert full.remove(tmp_path / "elsewhere") == 7
    assert full.search("hum") == []
    for path in (folder, tmp_path / "elsewhere" / "hiss.wav"):
        with pytest.raises(ConfigError, match="no recording there in"):
            full.remove(path)
        with pytest.raises(ConfigError, match="no recording there in"):
            full.move(path, tmp_path)


def test_a_folder_is_not_its_namesake(index, tmp_path):
    for folder in ("a", "a b", "a0", "A"):
        sounds(tmp_path / folder)
    index.sync(tmp_path)
    hits = index.search("hum", top_k=100, folder=tmp_path / "a")
    assert {Path(h.file).parent for h in hits} == {tmp_path / "a"}
    assert index.remove(tmp_path / "a") == len(WORDS)
    assert index.info().recordings == 3 * len(WORDS)


def test_filters_by_time_and_folder(index, tmp_path):
    files = list(sounds(tmp_path / "old").values()) + list(sounds(tmp_path / "new").values())
    start = datetime(2026, 5, 1, 12)
    for hour, file in enumerate(files):
        os.utime(file, (0, (start + timedelta(hours=hour)).timestamp()))
    index.sync(tmp_path)

    def found(**options):
        return {h.file for h in index.search("hum", top_k=100, **options)}

    assert found() == {*map(str, files)}
    assert found(folder=tmp_path / "old") == {*map(str, files[:8])}
    assert found(folder=files[3]) == {str(files[3])}
    assert found(after=start + timedelta(hours=2)) == {*map(str, files[2:])}
    assert found(before=start + timedelta(hours=2)) == {*map(str, files[:2])}
    within = {"after": start + timedelta(hours=2), "before": start + timedelta(hours=10)}
    assert found(**within, folder=tmp_path / "new") == {*map(str, files[8:10])}
    zoned = (start + timedelta(hours=2)).astimezone()
    assert found(before=zoned) == {*map(str, files[:2])}
    assert found(folder=tmp_path / "none") == set()


def test_an_empty_index_answers_with_nothing(index):
    assert index.search("hum") == []
    info = index.info()
    assert (info.recordings, info.segments, info.seconds) == (0, 0, 0)
    assert (info.bundle, info.embedding_dim, info.residual) == ("tones", DIM, None)


def test_questions_that_make_no_sense_say_so(full):
    with pytest.raises(ConfigError, match="top_k is 0"):
        full.search("hum", top_k=0)
    with pytest.raises(ConfigError, match=r"the query has the shape \(3,\)"):
        full.search(np.ones(3, np.float32))
    with pytest.raises(ConfigError):
        full.search("")
    with pytest.raises(AudioError, match=r"none\.wav"):
        full.search_audio("none.wav")


def test_what_cannot_be_added_says_why(index, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"not a sound")
    undecodable = tmp_path / os.fsdecode(b"caf\xe9.wav")
    write_tone(tmp_path / "a.wav", "hum").rename(undecodable)
    for file, message in (
        (tmp_path / "none.wav", "cannot be read"),
        (tmp_path, "a folder"),
        (tmp_path / "bad.wav", "not a format"),
        (undecodable, "its name is not UTF-8"),
    ):
        with pytest.raises(AudioError, match=message) as caught:
            index.add(file)
        assert str(caught.value).isprintable()
    assert index.info().recordings == 0


def test_without_a_model_an_index_can_be_looked_at_and_changed(full, tmp_path):
    with tinyalm.index.Index(tmp_path / "sounds.db") as bare:
        assert bare.info() == full.info()
        assert bare.remove(tmp_path / "sounds" / "hum.wav") == 1
        with pytest.raises(ConfigError, match="opened without a model"):
            bare.search("hum")
        with pytest.raises(ConfigError, match="opened without a model"):
            bare.add(tmp_path / "sounds" / "hum.wav")
    assert full.search("hum", top_k=1)[0].similarity < 0.1
    with pytest.raises(IndexFileError, match="no index here; make one with"):
        tinyalm.index.Index(tmp_path / "none.db")


def test_the_export_holds_everything(full, model, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert full.export(tmp_path / "sounds.parquet") == len(WORDS)
    table = parquet.read_table(tmp_path / "sounds.parquet")
    assert table.schema.field("embedding").type.list_size == DIM
    assert table.schema.metadata[b"tinyalm.bundle"] == b"tones"
    for row in table.to_pylist():
        heard = model.embed_audio(row["file"])
        assert np.dot(row["embedding"], heard) == pytest.approx(1, abs=1e-3)
        assert np.linalg.norm(row["embedding"]) == pytest.approx(1, abs=1e-6)
        assert (row["start"], row["end"], row["duration"]) == (0, 1, 1)
        changed = Path(row["file"]).stat().st_mtime_ns // 1000
        assert row["modified"].timestamp() * 1e6 == pytest.approx(changed, abs=2)
    assert [f.name for f in tmp_path.glob(".*")] == []


def test_nothing_of_the_sound_is_in_the_files(full, tmp_path):
    full.close()
    samples = soundfile.read(tmp_path / "sounds" / "hum.wav", dtype="int16")[0][:64].tobytes()
    for file in tmp_path.glob("sounds.db*"):
        assert samples not in file.read_bytes()


def test_a_bundle_without_words_is_searched_by_sound(tmp_path):
    from tests.fakes import make_bundle

    model = tinyalm.load(make_bundle(tmp_path / "mute.tinyalm", text=None, labels=[]))
    file = write_tone(tmp_path / "a.wav", "hum", 1)
    with model.index(tmp_path / "a.db") as index:
        index.add(file)
        assert index.search_audio(file)[0].file == str(file)
        with pytest.raises(BundleError, match="no text side"):
            index.search("hum")
