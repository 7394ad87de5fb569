"""What an index forgets by its policy, whatever the clock does."""

import os
import time

import pytest

import tinyalm
from tests.fakes import WORDS, write_tone
from tests.indexing import clustered, random_store, sounds
from tinyalm.index.store import Clock, Store
from tinyalm.index.vectors import EXACT_ROWS, Vectors
from tinyalm.policy import Policy
from tinyalm.policy.rules import TASKS

DAY = 86400.0


@pytest.fixture
def model(bundle):
    """A model whose indexes remember ten days."""
    return tinyalm.load(bundle, policy=Policy(tasks=TASKS, retention_days=10))


@pytest.fixture
def clock(monkeypatch):
    """The system's clock, to be set: a list of one number."""
    now = [time.time()]
    monkeypatch.setattr("tinyalm.index.store.time.time", lambda: now[0])
    return now


def count(model, file):
    with model.index(file) as index:
        return index.info().recordings


def test_what_is_older_is_forgotten_when_the_index_is_opened(model, tmp_path, clock):
    file, folder = tmp_path / "a.db", tmp_path / "recordings"
    sounds(folder)
    with model.index(file) as index:
        assert len(index.sync(folder).added) == len(WORDS)
    clock[0] += 9 * DAY
    assert count(model, file) == len(WORDS)
    clock[0] += 1.1 * DAY
    assert count(model, file) == 0
    with model.index(file) as index:
        report = index.sync(folder)
        assert (report.expired, report.added, report.removed) == (len(WORDS), [], [])
        assert index.add(folder / "hum.wav") == "expired"
        (folder / "hum.wav").touch()
        os.utime(folder / "hum.wav", (clock[0], clock[0]))
        assert index.sync(folder).added == [(folder / "hum.wav").as_posix()]


def test_an_open_index_forgets_when_it_is_synced(model, tmp_path, clock):
    folder = tmp_path / "recordings"
    sounds(folder)
    with model.index(tmp_path / "a.db") as index:
        index.sync(folder)
        clock[0] += 11 * DAY
        index.sync(folder)
        assert index.info().recordings == 0
        assert index.search("hum") == []


def test_old_files_are_not_taken_in(model, tmp_path):
    file = write_tone(tmp_path / "hum.wav", "hum")
    old = time.time() - 11 * DAY
    os.utime(file, (old, old))
    with model.index(tmp_path / "a.db") as index:
        assert index.add(file) == "expired"
        assert index.info().recordings == 0


def test_without_a_policy_nothing_is_forgotten(bundle, tmp_path, clock):
    model = tinyalm.load(bundle)
    file = write_tone(tmp_path / "hum.wav", "hum")
    with model.index(tmp_path / "a.db") as index:
        index.add(file)
    clock[0] += 10_000 * DAY
    assert count(model, tmp_path / "a.db") == 1


def test_a_clock_that_jumps_back_deletes_neither_everything_nor_nothing(model, tmp_path, clock):
    file, folder = tmp_path / "a.db", tmp_path / "recordings"
    recordings = sounds(folder)
    with model.index(file) as index:
        index.add(recordings["hum"])
    clock[0] += 6 * DAY
    with model.index(file) as index:
        os.utime(recordings["beep"], (clock[0], clock[0]))
        index.add(recordings["beep"])
    right = clock[0]
    clock[0] = 1e6  # 1970, as where the battery of the clock is empty
    assert count(model, file) == 2
    clock[0] += 3 * DAY
    assert count(model, file) == 2
    clock[0] += 2 * DAY  # the first one is 11 days old now, the second 5
    with model.index(file) as index:
        assert [hit.file for hit in index.search("beep")] == [recordings["beep"].as_posix()]
    clock[0] = right + 5 * DAY  # the clock is set right again
    assert count(model, file) == 0 or count(model, file) == 1
    clock[0] = right + 11 * DAY
    assert count(model, file) == 0


def test_the_clock_of_an_index():
    clock = Clock(0, 1000, 1000)
    clock = clock.ticked(1100)
    assert clock.age == 100
    clock = clock.ticked(50)
    assert clock == Clock(100, 1100, 50)
    clock = clock.ticked(80)
    assert clock == Clock(130, 1100, 80)
    clock = clock.ticked(1110)
    assert clock == Clock(140, 1110, 1110)


def test_what_is_forgotten_is_in_no_file(tmp_path, bundle, clock):
    file, rows = tmp_path / "a.db", clustered(EXACT_ROWS + 100, 48)
    from tinyalm.index.quantization import to_int8

    secret = to_int8(rows[5:6]).tobytes()
    store = random_store(file, rows)
    Vectors(store).fold()
    vectors = file.with_name("a.db-vectors")
    assert secret in file.read_bytes() + file.with_name("a.db-wal").read_bytes()
    assert secret in vectors.read_bytes()
    clock[0] += 11 * DAY
    store.close()
    policy = Policy(tasks=TASKS, retention_days=10)
    from tinyalm.policy.guard import Guard

    with tinyalm.index.Index(file, guard=Guard((policy,))) as index:
        assert index.info().recordings == 0
    assert not vectors.exists()
    assert secret not in b"".join(one.read_bytes() for one in tmp_path.glob("a.db*"))


def test_an_index_that_cannot_forget_is_not_opened(model, tmp_path, clock, monkeypatch):
    file = tmp_path / "a.db"
    with model.index(file) as index:
        index.add(write_tone(tmp_path / "hum.wav", "hum"))
    monkeypatch.setattr("tinyalm.index.opening.os.access", lambda *_: False)
    clock[0] += 11 * DAY
    with pytest.raises(tinyalm.TinyalmError, match="cannot be written"):
        model.index(file)
    assert Store(file, None).totals()[0] == 1
