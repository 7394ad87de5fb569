"""The stores under the teacher cache: shards, damage, full disks, and who computes what."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.cache import Key, Store, Turns, ahead, in_groups, key_of, world
from tinyalm_distill.ring import Ring

FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from tinyalm.errors import DataError
from tinyalm_distill.cache import Store, key_of

store = Store(Path(sys.argv[1]), "numbers", print)
store.add([key_of(b"small")], {"values": np.zeros((1, 4), np.float32)})
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    store.add([key_of(b"large")], {"values": np.zeros((1, 4096), np.float32)})
except DataError as error:
    print(error)
"""


def keys(count: int) -> list[Key]:
    return [key_of(str(number).encode()) for number in range(count)]


def open_store(folder: Path, said: list[str] | None = None) -> Store:
    return Store(folder, "numbers", [].append if said is None else said.append)


def filled(folder: Path, rows: int = 6) -> Store:
    store = open_store(folder)
    for start in range(0, rows, 3):
        some = keys(rows)[start : start + 3]
        pieces = [np.full((n + 1, 2), n, np.float16) for n in range(start, start + len(some))]
        store.add(some, {"values": np.arange(start, start + len(some)) * 10}, pieces)
    return store


def test_rows_come_back_in_any_order_and_in_another_process(tmp_path: Path) -> None:
    first = filled(tmp_path)
    for store in (first, open_store(tmp_path)):
        order = [keys(6)[n] for n in (5, 0, 3, 3)]
        assert store.column("values", order).tolist() == [50, 0, 30, 30]
        for number, key in enumerate(keys(6)):
            assert store.piece(key).shape == (number + 1, 2)
            assert (store.piece(key) == number).all()
        assert store.missing([*keys(8), keys(8)[7]]) == keys(8)[6:]


def test_pieces_may_be_empty(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add(keys(2), {}, [np.zeros(0, np.uint8), np.zeros(0, np.uint8)])
    assert [store.piece(key).size for key in keys(2)] == [0, 0]


def test_what_another_process_added_is_seen_after_a_refresh(tmp_path: Path) -> None:
    early, late = open_store(tmp_path), filled(tmp_path)
    assert len(early) == 0
    early.refresh()
    assert len(early) == len(late) == 6


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_truncated_shard_is_named_and_its_rows_are_missing(tmp_path: Path, left: int) -> None:
    filled(tmp_path)
    shard = sorted(tmp_path.glob("*.safetensors"))[0]
    whole = shard.read_bytes()
    shard.unlink()  # it is mapped: what was truncated in place would be missed at once
    shard.write_bytes(whole[:left])
    said: list[str] = []
    store = open_store(tmp_path, said)
    assert len(said) == 1
    assert str(shard) in said[0]
    assert "\n" not in said[0]
    assert len(store.missing(keys(6))) == 3
    filled(tmp_path)
    again: list[str] = []
    assert not open_store(tmp_path, again).missing(keys(6))
    assert again == []


def test_a_shard_of_something_else_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(DataError, match=r"safetensors: a shard of 'numbers' among those of 'let"):
        Store(tmp_path, "letters", print)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
def test_a_full_disk_is_one_line_and_keeps_what_was_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 1
    assert str(tmp_path) in done.stdout
    assert "make room or set TINYALM_CACHE" in done.stdout
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
    assert key_of(b"small") in open_store(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/store: cannot be written"):
        open_store(tmp_path / "file" / "store")


@given(st.integers(0, 400), st.integers(1, 50))
def test_groups_hold_every_key_once_and_are_the_same_for_all(count: int, size: int) -> None:
    some = keys(count)
    groups = in_groups(some, size)
    assert sorted(key for group in groups for key in group) == sorted(some)
    assert in_groups(some[::-1] + some, size) == groups


def taken(turns: Turns, groups: list[list[Key]]) -> list[list[Key]]:
    order = []
    for group in turns.of(groups):
        assert group is not None
        order.append(group)
        turns.done(group)
    return order


def test_each_process_begins_with_its_own_and_comes_to_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = in_groups(keys(200), 10)
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        with Turns(tmp_path) as turns:
            order = taken(turns, groups)
        own = groups[rank::3]
        assert order[: len(own)] == own
        assert sorted(order) == sorted(groups)


@pytest.mark.parametrize(("rank", "size"), [("2", "2"), ("-1", "2"), ("one", "2"), ("0", "0")])
def test_a_rank_outside_its_world_is_refused(
    monkeypatch: pytest.MonkeyPatch, rank: str, size: str
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(ConfigError, match="0 <= RANK < WORLD_SIZE"):
        world()


CLAIM = """
import sys
from pathlib import Path
from tests.distill.test_cache_store import keys
from tinyalm_distill.cache import Turns, in_groups

with Turns(Path(sys.argv[1])) as turns:
    next(turns.of(in_groups(keys(30), 10)))
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no locks between processes")
def test_what_another_process_works_on_comes_last_and_once_it_is_dead(tmp_path: Path) -> None:
    groups = in_groups(keys(30), 10)
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        with Turns(tmp_path) as turns:
            order = []
            for group in turns.of(groups):
                order.append(group)
                if group is None:  # nothing else is left
                    other.kill()
        assert order == [*groups[1:], None, groups[0]]


def test_items_are_made_ahead_within_bounds_and_given_in_order() -> None:
    begun: list[int] = []

    def make(item: int) -> int:
        begun.append(item)
        return item * item

    given = ahead([*range(50)], make, threads=2, room=4)
    assert next(given) == (0, 0)
    assert len(begun) <= 6
    assert list(given) == [(n, n * n) for n in range(1, 50)]


def test_a_none_among_the_items_waits_for_all_before_it() -> None:
    out: list[int] = []

    def items() -> object:
        yield from (1, 2, 3)
        yield None
        assert out == [1, 2, 3]
        yield 4

    for item, _ in ahead(items(), str, threads=2, room=10):
        out.append(item)
    assert out == [1, 2, 3, 4]


def test_a_point_that_joins_takes_its_share_and_moves_nothing_else() -> None:
    draw = np.random.default_rng(0)
    points = draw.integers(0, 2**64, 200, dtype=np.uint64).tolist()
    numbers = draw.integers(0, 2**64, 20000, dtype=np.uint64)
    before = Ring(points).nearest(numbers)
    after = Ring([*points, int(draw.integers(0, 2**64, dtype=np.uint64))]).nearest(numbers)
    moved = before != after
    assert (after[moved] == 200).all()
    assert 0 < moved.mean() < 0.02
    often = np.bincount(before, minlength=200) / 100
    assert often.std() < 0.4  # behind a single probe each, it would be 1
