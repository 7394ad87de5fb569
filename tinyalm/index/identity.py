"""Which model an index was made by: only embeddings of one and the same can be compared."""

import hashlib
from typing import NamedTuple

from tinyalm.adapters import Attached, encoder_of, residual_of
from tinyalm.bundle import BundleManifest


class Identity(NamedTuple):
    """An audio encoder and the residual map that is attached to it.

    Learned labels are no part of it: they move no embedding.

    Attributes:
        bundle: name of the encoder's bundle, for messages.
        audio_sha256: of its audio graph.
        embedding_dim: numbers in an embedding.
        residual: name of the residual map, for messages; None without one.
        residual_sha256: of the map's matrices; None without one.
    """

    bundle: str
    audio_sha256: str
    embedding_dim: int
    residual: str | None
    residual_sha256: str | None

    def same(self, other: "Identity") -> bool:
        """Whether the two make the same embeddings, whatever they are called."""
        mine = (self.audio_sha256, self.embedding_dim, self.residual_sha256)
        return mine == (other.audio_sha256, other.embedding_dim, other.residual_sha256)

    def __str__(self) -> str:
        """As messages name it."""
        residual = ""
        if self.residual_sha256:
            residual = f" with the adapter {self.residual!r} ({self.residual_sha256[:12]})"
        return f"{self.bundle!r} (audio {self.audio_sha256[:12]}){residual}"


def identity_of(manifest: BundleManifest, attached: Attached) -> Identity:
    """What the embeddings of a bundle with these adapters come from."""
    encoder, residual = encoder_of(manifest), residual_of(attached)
    name = digest = None
    if residual is not None:
        name = residual.name
        digest = hashlib.sha256(residual.down.tobytes() + residual.up.tobytes()).hexdigest()
    return Identity(encoder.bundle, encoder.audio_sha256, encoder.embedding_dim, name, digest)
