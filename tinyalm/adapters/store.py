"""Adapters to files and back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinyalm
from tinyalm.adapters.file import (
    REDO,
    AdapterHeader,
    EncoderInfo,
    LearnedInfo,
    ResidualInfo,
    read_file,
    write_file,
)
from tinyalm.adapters.learned import LearnedLabels
from tinyalm.adapters.residual import ResidualMap
from tinyalm.bundle import BundleManifest
from tinyalm.errors import BundleError, ConfigError
from tinyalm.labels import check_labels

Adapter = LearnedLabels | ResidualMap
Arrays = dict[str, NDArray[np.float32]]

_LEARNED = ("embeddings", "scale", "bias", "thresholds")
_RESIDUAL = ("down", "up")
_UNIT_TOLERANCE = 1e-3


def encoder_of(manifest: BundleManifest) -> EncoderInfo:
    """The encoder of a bundle, as adapters name it."""
    return EncoderInfo(
        bundle=manifest.name,
        audio_sha256=manifest.files[manifest.audio.file].sha256,
        embedding_dim=manifest.embedding_dim,
    )


def check_encoder(adapter: Adapter, encoder: EncoderInfo) -> None:
    """Make sure that an adapter was made on ``encoder``.

    Raises:
        BundleError: it was made on another; the message names both.
    """
    made_on = adapter.encoder
    if (made_on.audio_sha256, made_on.embedding_dim) != (
        encoder.audio_sha256,
        encoder.embedding_dim,
    ):
        raise BundleError(
            f"adapter {adapter.name!r} was made on {_describe(made_on)}, and this is "
            f"{_describe(encoder)}; make it again on this one"
        )


def save_adapter(adapter: Adapter, path: str | Path) -> None:
    """Write an adapter as a file of its own, whole or not at all (docs/adapters.md).

    Raises:
        OSError: the file cannot be written.
    """
    learned = residual = None
    if isinstance(adapter, LearnedLabels):
        learned = LearnedInfo(
            labels=adapter.labels, examples=adapter.examples, false_alarm=adapter.false_alarm
        )
        names: tuple[str, ...] = _LEARNED
    else:
        residual = ResidualInfo(metrics=adapter.metrics)
        names = _RESIDUAL
    header = AdapterHeader(
        name=adapter.name,
        encoder=adapter.encoder,
        learned=learned,
        residual=residual,
        created_by=f"tinyalm {tinyalm.__version__}",
    )
    write_file(Path(path), header, {name: getattr(adapter, name) for name in names})


def load_adapter(path: str | Path) -> Adapter:
    """Read and verify an adapter file.

    Raises:
        BundleError: no adapter file, a damaged one, or one of another format version.
    """
    path = Path(path)
    header, arrays = read_file(path)
    try:
        if header.learned is not None and header.residual is None:
            return _learned(header, header.learned, arrays)
        if header.residual is not None and header.learned is None:
            return _residual(header, header.residual, arrays)
    except (ConfigError, ValueError) as error:
        raise BundleError(f"{path}: {error}; {REDO}") from None
    raise BundleError(f"{path}: not one of a learned set and a residual map; {REDO}")


def _learned(header: AdapterHeader, info: LearnedInfo, arrays: Arrays) -> LearnedLabels:
    count, dim = len(info.labels), header.encoder.embedding_dim
    _check_shapes(arrays, dict.fromkeys(_LEARNED, (count,)) | {"embeddings": (count, dim)})
    lengths = np.linalg.norm(arrays["embeddings"], axis=1)
    if len(info.examples) != count or not (np.abs(lengths - 1) < _UNIT_TOLERANCE).all():
        raise ValueError("learned labels without their examples, or not of length 1")
    if not (arrays["scale"] > 0).all():
        raise ValueError("a scale that is not above 0")
    labels = check_labels(info.labels)
    return LearnedLabels(
        header.name, header.encoder, labels, info.examples, info.false_alarm, **arrays
    )


def _residual(header: AdapterHeader, info: ResidualInfo, arrays: Arrays) -> ResidualMap:
    dim = header.encoder.embedding_dim
    rank = arrays["down"].shape[0] if "down" in arrays and arrays["down"].ndim else 0
    _check_shapes(arrays, {"down": (rank, dim), "up": (dim, rank)})
    return ResidualMap(header.name, header.encoder, metrics=info.metrics, **arrays)


def _check_shapes(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    found = {name: array.shape for name, array in arrays.items()}
    if found != shapes:
        raise ValueError(f"arrays are {found} and should be {dict(shapes)}")


def _describe(encoder: EncoderInfo) -> str:
    return (
        f"{encoder.bundle!r} (audio {encoder.audio_sha256[:12]}, {encoder.embedding_dim} numbers)"
    )
