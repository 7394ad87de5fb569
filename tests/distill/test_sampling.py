import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyalm.errors import ConfigError
from tinyalm_distill.sampling import balanced_order, cluster, cluster_weights


def blobs(sizes: list[int], seed: int = 0) -> np.ndarray:
    """Rows close to as many far corners as there are sizes."""
    draw = np.random.default_rng(seed)
    corners = 10 * np.eye(len(sizes), 8)
    made = [corner + draw.normal(0, 0.1, (n, 8)) for corner, n in zip(corners, sizes, strict=True)]
    return np.concatenate(made).astype(np.float32)


def test_k_means_finds_what_lies_apart() -> None:
    sizes = [300, 40, 5]
    found = cluster(blobs(sizes), 3, seed=0)
    assert found.dtype == np.int64
    groups = np.split(found, np.cumsum(sizes)[:-1])
    assert [len(np.unique(group)) for group in groups] == [1, 1, 1]
    assert sorted({int(group[0]) for group in groups}) == [0, 1, 2]


def test_k_means_converges_to_means() -> None:
    rows = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)
    found = cluster(rows, 8, seed=1)
    means = np.stack([rows[found == number].mean(axis=0) for number in range(8)])
    nearest = np.square(rows[:, None] - means).sum(axis=2).argmin(axis=1)
    assert (nearest == found).all()


def test_clusters_depend_on_the_seed_alone() -> None:
    rows = np.random.default_rng(2).normal(size=(200, 4)).astype(np.float32)
    assert (cluster(rows, 9, seed=3) == cluster(rows, 9, seed=3)).all()
    assert (cluster(rows, 9, seed=3) != cluster(rows, 9, seed=4)).any()


def test_fewer_different_rows_make_fewer_clusters() -> None:
    rows = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    found = cluster(rows, 5, seed=0)
    assert sorted(set(found.tolist())) == [0, 1, 2]
    assert (found.reshape(3, 4) == found[::4, None]).all()


@pytest.mark.parametrize("count", [0, 4])
def test_a_senseless_number_of_clusters_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match=f"{count} clusters of 3 embeddings: choose from 1 to 3"):
        cluster(np.eye(3, dtype=np.float32), count, seed=0)


def test_weights_make_clusters_equal() -> None:
    # Numbers need not be contiguous: a batch's windows may lack some.
    assert cluster_weights(np.array([7, 7, 7, 2])).tolist() == pytest.approx([2 / 3] * 3 + [2])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 100))
def test_an_epoch_is_balanced(sizes: list[int], seed: int) -> None:
    clusters = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    order = balanced_order(clusters, np.random.default_rng(seed))
    assert len(order) == len(clusters)
    share = len(clusters) / len(sizes)
    drawn = np.bincount(order, minlength=len(clusters))
    for number, size in enumerate(sizes):
        mine = drawn[clusters == number]
        assert abs(mine.sum() - share) <= 1
        assert (np.abs(mine - share / size) <= 1).all()


def test_an_epoch_is_a_function_of_its_draw() -> None:
    clusters = np.repeat(np.arange(3), [50, 5, 20])
    first, again, second = (
        balanced_order(clusters, np.random.default_rng([0, epoch])) for epoch in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != second).any()


def test_over_epochs_every_row_is_heard() -> None:
    clusters = np.repeat(np.arange(4), [200, 10, 10, 10])
    orders = [balanced_order(clusters, np.random.default_rng([0, epoch])) for epoch in range(40)]
    drawn = np.bincount(np.concatenate(orders), minlength=len(clusters))
    assert drawn.min() > 0
