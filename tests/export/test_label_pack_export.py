"""Bundles that carry a label pack, with and without a text side."""

from pathlib import Path

import numpy as np
import pytest

import tinyalm
from tests.export.students import META, save_checkpoint, sounds
from tinyalm.errors import ConfigError
from tinyalm.label_pack import LabelPack, write_label_pack
from tinyalm_export.exporter import PACK, export_bundle


def write_pack(path: Path, dim: int = 16) -> Path:
    rows = np.random.default_rng(0).normal(size=(3, dim)).astype(np.float32)
    pack = LabelPack(
        labels=["thunder", "rain", "owl"],
        template="a {}",
        embeddings=rows / np.linalg.norm(rows, axis=1, keepdims=True),
        teacher=META.provenance.teacher,
        tower="teacher",
    )
    write_label_pack(path, pack)
    return path


def test_a_bundle_without_text_tags_with_the_pack_that_it_carries(tmp_path: Path) -> None:
    checkpoint, out = save_checkpoint(tmp_path / "student"), tmp_path / "mute.tinyalm"
    pack = write_pack(tmp_path / "home.labels")
    manifest = export_bundle(checkpoint, out, label_pack=pack, text=False)
    assert (out / PACK).read_bytes() == pack.read_bytes()
    assert (manifest.labels, manifest.template) == (["thunder", "rain", "owl"], "a {}")
    assert (manifest.label_pack, manifest.text) == (PACK, None)
    assert not (out / "text.onnx").exists()
    tags = tinyalm.load(out).tag(sounds()[0], sample_rate=16000)
    assert {tag.label for tag in tags} == {"thunder", "rain", "owl"}


def test_what_does_not_fit_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    checkpoint, out = save_checkpoint(tmp_path / "student"), tmp_path / "mute.tinyalm"
    with pytest.raises(ConfigError, match="without a text side a bundle needs a label pack"):
        export_bundle(checkpoint, out, text=False)
    with pytest.raises(ConfigError, match=r"\(8 numbers\), .* \(16\)"):
        export_bundle(checkpoint, out, label_pack=write_pack(tmp_path / "odd.labels", dim=8))
    assert not out.exists()
