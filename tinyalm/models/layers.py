"""Layers that several audio students share, and the head that all of them end in."""

from torch import Tensor, nn
from torch.nn import functional as F


class SameConv(nn.Module):
    """Convolution whose output has ``ceil(size / stride)`` rows and columns.

    At stride 2 all padding lies at the end, as YAMNet's does on even sizes; at stride 1 it is
    symmetric. What is padded beyond an even size is never read.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        """Build with random weights."""
        super().__init__()
        self.beyond = kernel - 1 if stride > 1 else 0
        padding = 0 if self.beyond else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, inputs, rows, columns) to (batch, outputs, rows / stride, columns / stride)."""
        if self.beyond:
            maps = F.pad(maps, (0, self.beyond, 0, self.beyond))
        filtered: Tensor = self.conv(maps)
        return filtered


class EmbeddingHead(nn.Module):
    """Pooled features to an embedding: linear, or with one hidden ReLU layer.

    The hidden layer matters where the teacher's embedding bends: the best linear map of YAMNet's
    own features reaches a cosine of 0.86 to its ConSE embedding, one of 256 hidden units 0.92.
    """

    def __init__(self, features: int, hidden: int, embedding_dim: int) -> None:
        """Build with random weights; ``hidden`` 0 is the linear head."""
        super().__init__()
        self.hidden = nn.Linear(features, hidden) if hidden else None
        self.project = nn.Linear(hidden or features, embedding_dim)

    def forward(self, features: Tensor) -> Tensor:
        """(…, features) to (…, embedding_dim) of unit length."""
        if self.hidden is not None:
            features = F.relu(self.hidden(features))
        return F.normalize(self.project(features), dim=-1)
