"""Negatives from earlier batches: a queue of keys, and the encoder that makes them.

Momentum contrast (MoCo, arXiv:1911.05722) frees the number of negatives from the batch size, so
that a batch of 64 has tens of thousands of them. Keys come from an encoder that follows the trained
one slowly, so that those in the queue still agree with each other.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tinyalm.errors import ConfigError


class MomentumQueue(nn.Module):
    """The last ``size`` pairs: their keys in several spaces, and which clips they are of.

    All state is in buffers: `state_dict` saves it and `load_state_dict` restores it exactly.

    Attributes:
        clips: (size,) int64, the clip of each row, -1 where there is none yet.
        added: () int64, rows that were ever added.
    """

    clips: Tensor
    added: Tensor

    def __init__(self, size: int, dims: Mapping[str, int]) -> None:
        """Make an empty queue.

        Args:
            size: rows that are kept, such as 32768.
            dims: size of each kind of key, such as ``{"audio": 384, "text": 384}``; a teacher's
                embeddings beside them allow for `teacher_weights`.

        Raises:
            ConfigError: there would be no row or no key.
        """
        super().__init__()
        if size < 1 or not dims or min(dims.values()) < 1:
            raise ConfigError(
                f"a queue of {size} rows of {dict(dims)}: its size, and the size of at least one "
                "kind of key, must be 1 or more"
            )
        self.size, self.kinds = size, tuple(dims)
        for kind, dim in dims.items():
            self.register_buffer(f"keys_{kind}", torch.zeros(size, dim))
        self.register_buffer("clips", torch.full((size,), -1))
        self.register_buffer("added", torch.tensor(0))

    def __len__(self) -> int:
        """Rows that hold a key."""
        return min(self.size, int(self.added))

    @torch.no_grad()
    def enqueue(self, keys: Mapping[str, Tensor], clips: Tensor) -> None:
        """Add a batch; the oldest rows make room.

        Args:
            keys: (batch, dim) embeddings of unit length of every kind that the queue has.
            clips: (batch,) int64, at least 0, equal where rows must not be each other's negatives.

        Raises:
            ConfigError: more rows than the queue holds.
        """
        if len(clips) > self.size:
            raise ConfigError(
                f"a batch of {len(clips)} does not fit into a queue of {self.size}; enlarge it"
            )
        rows = (torch.arange(len(clips), device=self.added.device) + self.added) % self.size
        for kind in self.kinds:
            self.get_buffer(f"keys_{kind}")[rows] = keys[kind]
        self.clips[rows] = clips
        self.added += len(clips)

    def keys(self, kind: str) -> Tensor:
        """The keys that there are, (len(self), dim), in no particular order.

        They are the queue's own memory: add to it before they are used, or after the gradient.
        """
        return self.get_buffer(f"keys_{kind}")[: len(self)]

    def others(self, clips: Tensor) -> Tensor:
        """Weights for `contrast`: 0 where a row is of the query's own clip, 1 elsewhere.

        Args:
            clips: (batch,) int64, of the queries.

        Returns:
            (batch, len(self)) float32.
        """
        return (clips[:, None] != self.clips[: len(self)]).float()


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, momentum: float) -> None:
    """Move the weights of ``slow`` to ``momentum * slow + (1 - momentum) * fast`` (MoCo, eq. 2).

    Statistics of normalisation follow too, and what is no floating-point number is copied. Keys are
    made by ``slow`` in evaluation mode, so that they say nothing of the rest of their batch (what
    MoCo shuffles batches for).

    Args:
        slow: of the same shape as ``fast``, such as its deep copy.
        fast: the module that is trained.
        momentum: from 0, which copies, to 1, which leaves ``slow`` alone.
    """
    current = fast.state_dict()
    for name, value in slow.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(current[name], 1 - momentum)
        else:
            value.copy_(current[name])
