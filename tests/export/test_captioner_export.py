"""Captioners in bundles: the step graph against torch, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from msgspec.structs import replace
from torch.nn import functional as F

from tests.export.students import META
from tinyalm.bundle import read_bundle
from tinyalm.engine import engine
from tinyalm.errors import ConfigError, DataError, ExportError
from tinyalm.model import load
from tinyalm.models.captioner import Captioner, CaptionerConfig
from tinyalm.models.captioner_checkpoint import CaptionerMeta, load_captioner, save_captioner
from tinyalm_distill.captioning.lessons import make_tokenizer
from tinyalm_export.caption_graph import caption_graph
from tinyalm_export.caption_part import make_caption, token_agreement
from tinyalm_export.cli import export
from tinyalm_export.exporter import export_bundle
from tinyalm_export.graphs import file_content


def sharp(config: CaptionerConfig) -> Captioner:
    """A captioner in which every weight does something, sure of what it says."""
    torch.manual_seed(0)
    captioner = Captioner(config)
    with torch.no_grad():
        for weights in captioner.parameters():
            weights += 0.2 * torch.randn_like(weights)
    return captioner.eval()


def embeddings(number: int, dim: int) -> torch.Tensor:
    return F.normalize(torch.randn(number, dim, generator=torch.manual_seed(1)), dim=-1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioner for the student of `tests.export.students`. Not to be written to."""
    folder = tmp_path_factory.mktemp("captioner")
    tokenizer = make_tokenizer(["a dog barking and heavy rain far away"] * 3, 60)
    config = CaptionerConfig(
        embedding_dim=16,
        vocabulary=tokenizer.get_vocab_size(),
        width=32,
        layers=2,
        heads=2,
        max_tokens=10,
    )
    meta = CaptionerMeta(
        name="sayer", teacher="nobody", config=config, licences=["CC-BY-NC-4.0"], created_by="tests"
    )
    save_captioner(folder, meta, sharp(config), tokenizer, embeddings(200, 16))
    return folder


@pytest.mark.parametrize("int8", [False, True])
def test_the_graph_says_what_torch_says_on_200_embeddings(int8: bool, tmp_path: Path) -> None:
    config = CaptionerConfig(
        embedding_dim=24, vocabulary=50, width=32, layers=2, heads=4, prefix=3, max_tokens=8
    )
    captioner = sharp(config)
    path = tmp_path / "captioner.onnx"
    path.write_bytes(file_content(caption_graph(captioner, int8=int8)))
    graph = engine("onnxruntime").open(path, threads=1)
    same = token_agreement(captioner, graph, embeddings(200, 24))
    assert same >= (0.95 if int8 else 1.0)
    given, ids = embeddings(3, 24), np.array([[3, 7], [4, 9], [3, 12]])
    with torch.inference_mode():
        logits, present = captioner(given[:, None], torch.from_numpy(ids), captioner.nothing(3))
    inputs = {"embedding": given[:, None].numpy(), "input_ids": ids}
    answer = graph.run(inputs | {"past": captioner.nothing(3).numpy()})
    close = 0.3 if int8 else 1e-4
    assert np.abs(answer["logits"] - logits.numpy()).max() < close
    assert np.abs(answer["present"] - present.numpy()).max() < close


def test_a_graph_of_another_captioner_does_not_agree(tmp_path: Path) -> None:
    config = CaptionerConfig(embedding_dim=24, vocabulary=50, width=32, layers=1, max_tokens=8)
    captioner = sharp(config)
    path = tmp_path / "captioner.onnx"
    path.write_bytes(file_content(caption_graph(captioner, int8=False)))
    with torch.no_grad():
        captioner.table.weight += torch.randn_like(captioner.table.weight)
    graph = engine("onnxruntime").open(path, threads=1)
    assert token_agreement(captioner, graph, embeddings(20, 24)) < 0.5


def test_a_bundle_carries_the_captioner_and_captions(
    checkpoint: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tiny.tinyalm"
    with pytest.raises(ExportError, match=r"CC-BY-NC, .*data sayer.*--accept-licence CC-BY-NC"):
        export_bundle(checkpoint, out, captioner=trained)
    manifest = export_bundle(checkpoint, out, captioner=trained, accept=["CC-BY-NC"])
    assert manifest == read_bundle(out)
    assert manifest.caption is not None
    assert manifest.caption.max_tokens == 10
    assert manifest.provenance.metrics["caption_token_agreement"] == 1.0
    card = (out / "README.md").read_text()
    assert "| sayer | texts | CC-BY-NC-4.0 |" in card
    assert "parameters of `captioner.onnx`" in card
    rate = manifest.frontend.sample_rate
    said = load(out).caption(np.random.default_rng(0).normal(size=rate) * 0.1, sample_rate=rate)
    assert said.text


def test_a_captioner_is_taken_out_of_a_bundle(
    checkpoint: Path, trained: Path, fp32: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.tinyalm", tmp_path / "second.tinyalm"
    given = export_bundle(checkpoint, first, captioner=trained, accept=["CC-BY-NC"])
    with pytest.raises(ExportError, match="data sayer"):
        export_bundle(checkpoint, second, captioner=first)
    taken = export_bundle(checkpoint, second, captioner=first, accept=["CC-BY-NC"])
    assert taken.caption == given.caption
    assert taken.files["captioner.onnx"] == given.files["captioner.onnx"]
    assert taken.provenance == given.provenance
    with pytest.raises(ConfigError, match="has no captioner; name a bundle or a checkpoint"):
        export_bundle(checkpoint, second, captioner=fp32)
    with pytest.raises(ConfigError, match=r"a captioner for yamnet-minilm 1 .*one of nobody"):
        export_bundle(checkpoint, second, captioner=Path("micro"))


def test_a_captioner_for_another_teacher_is_refused(trained: Path, tmp_path: Path) -> None:
    other = replace(META, provenance=replace(META.provenance, teacher="somebody"))
    with pytest.raises(ConfigError, match=r"a captioner for nobody .*one of somebody"):
        make_caption(trained, other, "fp32", tmp_path)


def test_a_captioner_that_int8_spoils_is_not_written(trained: Path, tmp_path: Path) -> None:
    read = load_captioner(trained)
    with torch.no_grad():  # one large number leaves the others of its row no levels
        read.captioner.table.weight[:, 0] = 1e4
    save_captioner(tmp_path / "bad", read.meta, read.captioner, read.tokenizer, read.examples)
    with pytest.raises(ExportError, match=r"the int8 captioner says .*nothing was written"):
        make_caption(tmp_path / "bad", META, "int8", tmp_path)


def test_a_folder_that_is_no_captioner_costs_one_line(checkpoint: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "x.tinyalm")
    done = CliRunner().invoke(export, [str(checkpoint), "--captioner", str(tmp_path), "--out", out])
    assert isinstance(done.exception, DataError)
    assert "no finished captioner here" in str(done.exception)
    assert not (tmp_path / "x.tinyalm").exists()


def test_a_bundle_without_one_says_nothing_of_it(fp32: Path) -> None:
    assert read_bundle(fp32).caption is None
