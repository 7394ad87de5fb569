import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, tensor

from tinyalm.errors import ConfigError
from tinyalm_distill.momentum_queue import MomentumQueue, follow
from tinyalm_distill.objectives import contrast

DIMS = {"audio": 2, "text": 3}


def batch(*clips: int) -> tuple[dict[str, Tensor], Tensor]:
    """Keys that hold their clip's number."""
    numbers = tensor(clips)
    return {kind: numbers[:, None].float().repeat(1, dim) for kind, dim in DIMS.items()}, numbers


def held(queue: MomentumQueue) -> list[int]:
    """The clips whose keys it has, where keys and numbers agree."""
    for kind in DIMS:
        assert torch.equal(queue.keys(kind)[:, -1], queue.clips[: len(queue)].float())
    return sorted(queue.clips[: len(queue)].tolist())


def test_the_newest_rows_are_kept() -> None:
    queue = MomentumQueue(5, DIMS)
    assert len(queue) == 0
    assert queue.keys("text").shape == (0, 3)
    queue.enqueue(*batch(1, 2, 3))
    assert held(queue) == [1, 2, 3]
    queue.enqueue(*batch(4, 5, 6))
    assert held(queue) == [2, 3, 4, 5, 6]
    queue.enqueue(*batch(7, 8, 9, 10, 11))
    assert held(queue) == [7, 8, 9, 10, 11]


def test_a_clip_is_never_its_own_negative() -> None:
    queue = MomentumQueue(4, DIMS)
    queue.enqueue(*batch(1, 2, 1))
    assert queue.others(tensor([1, 2, 3])).tolist() == [[0, 1, 0], [1, 0, 1], [1, 1, 1]]


def test_no_gradient_goes_into_the_queue() -> None:
    queue = MomentumQueue(4, {"text": 2})
    encoder = nn.Linear(2, 2)
    queue.enqueue({"text": encoder(torch.ones(2, 2))}, tensor([0, 1]))
    query = torch.ones(1, 2, requires_grad=True)
    clips = tensor([0])
    loss = contrast(
        query[:, 0],
        query @ queue.keys("text").T,
        temperature=0.1,
        weights=queue.others(clips),
    )
    torch.autograd.backward(loss)
    assert encoder.weight.grad is None
    assert query.grad is not None


def test_a_restored_queue_goes_on_exactly(tmp_path: Path) -> None:
    queue, restored = MomentumQueue(5, DIMS), MomentumQueue(5, DIMS)
    queue.enqueue(*batch(1, 2, 3, 4))
    save_file(queue.state_dict(), tmp_path / "state.safetensors")
    restored.load_state_dict(load_file(tmp_path / "state.safetensors"))
    for one in (queue, restored):
        one.enqueue(*batch(5, 6, 7))
    assert held(restored) == [3, 4, 5, 6, 7]
    for name, value in queue.state_dict().items():
        assert torch.equal(value, restored.state_dict()[name]), name


def test_what_makes_no_queue_is_refused() -> None:
    with pytest.raises(ConfigError, match="a queue of 0 rows"):
        MomentumQueue(0, DIMS)
    with pytest.raises(ConfigError, match="at least one kind"):
        MomentumQueue(4, {})
    with pytest.raises(ConfigError, match="batch of 3 does not fit into a queue of 2"):
        MomentumQueue(2, DIMS).enqueue(*batch(1, 2, 3))


def test_the_slow_encoder_follows() -> None:
    fast = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    slow = copy.deepcopy(fast)
    with torch.no_grad():
        fast[0].weight.fill_(2.0)
        slow[0].weight.fill_(1.0)
    fast[1].running_mean.fill_(10.0)
    fast[1].num_batches_tracked.fill_(7)
    follow(slow, fast, 0.9)
    assert slow[0].weight.item() == pytest.approx(1.1)
    assert slow[1].running_mean.item() == pytest.approx(1.0)
    assert slow[1].num_batches_tracked.item() == 7
    assert fast[0].weight.item() == 2.0
    follow(slow, fast, 0.0)
    assert all(torch.equal(v, fast.state_dict()[k]) for k, v in slow.state_dict().items())
    assert slow[0].weight.data_ptr() != fast[0].weight.data_ptr()
