"""The vector file: right, and never needed."""

from contextlib import closing

import numpy as np
import pytest

from tests.indexing import clustered, place, random_store
from tinyalm.index.identity import Identity
from tinyalm.index.quantization import to_float, to_int8
from tinyalm.index.searching import moments
from tinyalm.index.store import Filter, Store
from tinyalm.index.vectors import EXACT_ROWS, Vectors

DIM, ROWS = 48, EXACT_ROWS + 1000
EVERYTHING = Filter()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An index whose vector file holds all of it, and its embeddings."""
    folder, rows = tmp_path_factory.mktemp("made"), clustered(ROWS, DIM)
    with closing(random_store(folder / "a.db", rows)) as store:
        Vectors(store).fold()
    assert (folder / "a.db-vectors").is_file()
    return folder, rows


@pytest.fixture
def copy(made, tmp_path):
    """A copy of it to spoil: its file, and its embeddings."""
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "a.db", made[1]


def opened(file):
    return Store(file, Identity("renamed", "0" * 64, DIM, None, None))


def recall(file, rows, queries=100, chosen=EVERYTHING):
    """Share of the exact ten nearest that are found."""
    asked, shared = clustered(queries, DIM, seed=1), 0
    with closing(opened(file)) as store:
        vectors = Vectors(store)
        for query in asked:
            best = np.argsort(-(to_float(to_int8(rows)) @ query), kind="stable")[:10]
            found = moments(store, vectors, query, 10, chosen)
            shared += len({place(hit) for hit in found} & {*best.tolist()})
        vectors.close()
    return shared / (10 * queries)


def test_the_graph_finds_what_an_exact_search_finds(made):
    assert recall(made[0] / "a.db", made[1]) >= 0.99


@pytest.mark.parametrize("spoil", ["missing", "short", "altered", "another", "folder"])
def test_a_spoilt_vector_file_costs_no_answer_and_is_made_again(copy, spoil):
    file, rows = copy
    vectors = file.with_name("a.db-vectors")
    content = bytearray(vectors.read_bytes())
    content[len(content) // 2] ^= 1
    vectors.unlink()
    if spoil == "folder":
        vectors.mkdir()
    elif spoil != "missing":
        spoilt = {"short": content[:1000], "altered": content, "another": b"not usearch"}
        vectors.write_bytes(spoilt[spoil])
    assert recall(file, rows, queries=10) == 1
    with closing(opened(file)) as store:
        Vectors(store).fold()
    assert recall(file, rows, queries=10) >= 0.99
    assert spoil == "folder" or len(vectors.read_bytes()) == len(content)


def test_what_came_later_and_what_went_is_seen_by_all(copy):
    file, _ = copy
    more = clustered(300, DIM, seed=2)
    with closing(opened(file)) as reader, closing(opened(file)) as writer:
        vectors = Vectors(reader)
        before = moments(reader, vectors, more[7], 3, EVERYTHING)
        random_store(file, more, start=ROWS).close()
        assert place(moments(reader, vectors, more[7], 1, EVERYTHING)[0]) == ROWS + 7
        with writer.writing():
            for recording in writer.inside("/r"):
                if recording.path.startswith("/r/00") and int(recording.path[3:9]) >= ROWS:
                    writer.remove(recording.id)
        assert moments(reader, vectors, more[7], 3, EVERYTHING) == before


def test_a_graph_of_which_much_is_gone_still_answers_and_is_made_anew(copy):
    file, rows = copy
    with closing(opened(file)) as store:
        kept = 1000
        with store.writing():
            for recording in store.inside("/r"):
                if int(recording.path[3:9]) >= kept:
                    store.remove(recording.id)
        vectors = Vectors(store)
        assert len(moments(store, vectors, rows[0], 50, EVERYTHING)) == 50
        vectors.close()
    assert recall(file, rows[:kept], queries=20) >= 0.95
    before = file.with_name("a.db-vectors").stat().st_size
    random_store(file, clustered(EXACT_ROWS + 100, DIM, seed=3), start=ROWS).close()
    with closing(opened(file)) as store:
        Vectors(store).fold()
        row = store.vectors()
    assert row.rows == kept + EXACT_ROWS + 100
    assert file.with_name("a.db-vectors").stat().st_size < 1.1 * before


def test_filters_see_all_that_passes_them(made):
    file, rows = made[0] / "a.db", made[1]
    few = Filter(folder="/r/000100.wav")
    query = clustered(1, DIM, seed=4)[0]
    many = Filter(after_ns=0, before_ns=2)
    with closing(opened(file)) as store:
        vectors = Vectors(store)
        hits = moments(store, vectors, query, 10, few)
        best = 100 + np.argsort(-(to_float(to_int8(rows[100:200])) @ query))[:10]
        assert [place(hit) for hit in hits] == best.tolist()
        assert moments(store, vectors, query, 10, many) == moments(
            store, vectors, query, 10, EVERYTHING
        )


def test_int8_keeps_directions():
    rows = clustered(1000, 384)
    assert (to_float(to_int8(rows)) * rows).sum(axis=1).min() > 0.9998
    assert to_int8(np.zeros((1, 4), np.float32)).tolist() == [[0, 0, 0, 0]]
