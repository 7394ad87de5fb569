"""Encrypted indexes: the same answers, nothing to be read on the disk, and no other key."""

from contextlib import closing
from datetime import datetime

import numpy as np
import pytest

import tinyalm
from tests.fakes import WORDS
from tests.indexing import clustered, place, sounds
from tests.process import one_line
from tests.process import tinyalm as command
from tinyalm.errors import ConfigError, IndexFileError
from tinyalm.index.identity import Identity
from tinyalm.index.quantization import to_int8
from tinyalm.index.searching import moments
from tinyalm.index.store import Filter, Stamp, Store
from tinyalm.index.vectors import EXACT_ROWS, Vectors
from tinyalm.results import WindowEmbeddings

KEY, OTHER = bytes(range(32)), bytes(32)
DIM = 48


def fill(file, rows, key=KEY):
    """An index of recordings of 100 segments."""
    store = Store(file, Identity("random", "0" * 64, DIM, None, None), key)
    for at in range(0, len(rows), 100):
        part = rows[at : at + 100]
        times = np.arange(len(part), dtype=float)
        with store.writing():
            windows = WindowEmbeddings(times, times + 1, part)
            store.put(f"/secret/{at:06d}.wav", Stamp(1, 1), b"digest" * 5 + b"..", windows)
    return store


def on_disk(folder):
    """Everything that is in the files of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def test_an_encrypted_index_answers_as_a_plain_one(model, tmp_path):
    recordings = sounds(tmp_path / "recordings", 3.0)
    answers = []
    for name, key in (("plain.db", None), ("sealed.db", KEY)):
        with model.index(tmp_path / name, key=key) as index:
            index.sync(tmp_path / "recordings")
            index.move(recordings["hum"], tmp_path / "recordings" / "hmm.wav")
            index.move(tmp_path / "recordings" / "hmm.wav", recordings["hum"])
            assert index.remove(recordings["squeak"]) == 1
            assert index.info().encrypted == (key is not None)
        with model.index(tmp_path / name, key=key) as index:
            report = index.sync(tmp_path / "recordings")
            assert (len(report.added), report.unchanged) == (1, len(WORDS) - 1)
            answers.append(
                [
                    index.search("hum"),
                    index.search("beep", folder=tmp_path / "recordings"),
                    index.search("beep", folder=recordings["hiss"], top_k=1),
                    index.search("horn", after=datetime(2000, 1, 1), folder=recordings["horn"]),
                    index.search("beep", folder=tmp_path / "record"),
                    index.search_audio(recordings["chirp"]),
                ]
            )
    assert answers[0] == answers[1]
    assert answers[0][2][0].file == recordings["hiss"].as_posix()
    assert answers[0][4] == []


def test_neither_paths_nor_hashes_nor_embeddings_are_on_the_disk(tmp_path):
    rows = clustered(EXACT_ROWS + 500, DIM)
    seen = [b"/secret/", b"000100.wav", b"digest", *(r.tobytes()[:16] for r in to_int8(rows[::50]))]
    for name, key in (("plain", None), ("sealed", KEY)):
        folder = tmp_path / name
        folder.mkdir()
        with closing(fill(folder / "a.db", rows, key)) as store:
            vectors = Vectors(store)
            vectors.fold()
            content = on_disk(folder)
            assert any(one in content for one in seen) == (key is None)
            assert (folder / "a.db-vectors").is_file()
        content = on_disk(folder)
        found = [one in content for one in seen]
        assert not any(found) if key else all(found)


def test_the_graph_of_an_encrypted_index_is_searched_and_grows(tmp_path):
    file, rows = tmp_path / "a.db", clustered(EXACT_ROWS + 500, DIM)
    with closing(fill(file, rows[:-400])) as store:
        Vectors(store).fold()
    with closing(fill(tmp_path / "b.db", rows, None)) as plain:
        exact = [place(hit) for hit in moments(plain, Vectors(plain), rows[7], 10, Filter())]
    assert exact[0] == 7
    with closing(Store(file, None, KEY)) as store:
        vectors = Vectors(store)
        hits = moments(store, vectors, rows[7], 10, Filter())
        assert len(vectors) == len(rows) - 400
        assert place(hits[0]) == 7
        vectors.close()


def test_a_spoilt_graph_of_an_encrypted_index_costs_no_answer(tmp_path):
    file, rows = tmp_path / "a.db", clustered(EXACT_ROWS + 100, DIM)
    with closing(fill(file, rows)) as store:
        Vectors(store).fold()
        spoilt = file.with_name("a.db-vectors")
        raw = bytearray(spoilt.read_bytes())
        raw[100] ^= 1
        spoilt.write_bytes(raw)
        assert place(moments(store, Vectors(store), rows[3], 1, Filter())[0]) == 3


@pytest.mark.parametrize(
    ("made", "opened", "message"),
    [
        (KEY, OTHER, "encrypted with another key"),
        (KEY, None, "encrypted; give its key"),
        (None, KEY, "not encrypted, and a key is given"),
    ],
)
def test_another_key_is_one_clear_line(model, tmp_path, made, opened, message):
    file = tmp_path / "a.db"
    model.index(file, key=made).close()
    before = file.read_bytes()
    for ask in (
        lambda: model.index(file, key=opened),
        lambda: tinyalm.index.Index(file, key=opened),
    ):
        with pytest.raises(IndexFileError, match=message) as caught:
            ask()
        assert len(str(caught.value).splitlines()) == 1
    assert file.read_bytes() == before
    model.index(file, key=made).close()


def test_keys_come_from_files_callbacks_and_the_environment(model, tmp_path, monkeypatch):
    file = tmp_path / "a.db"
    raw, digits = tmp_path / "raw.key", tmp_path / "hex.key"
    raw.write_bytes(KEY)
    digits.write_text(KEY.hex() + "\n")
    for key in (KEY, raw, str(digits), lambda: KEY):
        model.index(file, key=key).close()
    monkeypatch.setenv("TINYALM_INDEX_KEY", KEY.hex())
    model.index(file).close()
    monkeypatch.setenv("TINYALM_INDEX_KEY", "secret")
    with pytest.raises(ConfigError, match="TINYALM_INDEX_KEY: no key of 32 bytes"):
        model.index(file)
    raw.write_bytes(KEY[:31])
    for bad, message in (
        (raw, "raw.key: no key"),
        (tmp_path / "no", "cannot be read"),
        (b"", "no"),
    ):
        with pytest.raises(ConfigError, match=message):
            model.index(file, key=bad)


def test_damage_is_an_error(model, tmp_path):
    file = tmp_path / "a.db"
    sounds(tmp_path / "recordings")
    with model.index(file, key=KEY) as index:
        index.sync(tmp_path / "recordings")
        index._store._db.execute("UPDATE segments SET embedding = zeroblob(length(embedding))")
        with pytest.raises(IndexFileError, match="what is encrypted does not open"):
            index.search("hum")


def test_the_command_takes_a_key(bundle, tmp_path):
    sounds(tmp_path / "recordings")
    key, where = tmp_path / "k", ["--index", tmp_path / "a.db"]
    key.write_bytes(KEY)
    model = ["--bundle", bundle]
    done = command("index", "sync", tmp_path / "recordings", *where, *model, "--index-key", key)
    assert (done.returncode, done.stderr) == (0, "")
    done = command("search", "hum", *where, *model, "--top-k", 1, TINYALM_INDEX_KEY=KEY.hex())
    assert "hum.wav" in done.stdout
    done = command("index", "info", *where, "--index-key", key)
    assert "encrypted   yes" in done.stdout
    done = command("search", "hum", *where, *model)
    assert done.returncode == 2
    assert "encrypted; give its key with --index-key" in one_line(done.stderr)
