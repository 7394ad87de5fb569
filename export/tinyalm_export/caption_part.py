"""The captioner of a bundle: made as files, then proven against torch, token by token."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from tinyalm.bundle import MANIFEST, CaptionInfo, DataSource, read_bundle
from tinyalm.captioning.vocabulary import END, FULL
from tinyalm.engine import Graph
from tinyalm.errors import ConfigError, ExportError
from tinyalm.models.captioner import Captioner
from tinyalm.models.captioner_checkpoint import load_captioner
from tinyalm.models.checkpoint import StudentMeta
from tinyalm.models.counting import parameters
from tinyalm.shipped import find_bundle
from tinyalm_export.caption_graph import caption_graph
from tinyalm_export.graphs import graph_info
from tinyalm_export.parts import Precision, write_graph

CAPTIONER, TOKENIZER = "captioner.onnx", "captioner-tokenizer.json"
_METRIC = "caption_"  # begins the names of its measurements
EXAMPLES = 200  # embeddings that it is proven on
_LOWEST = {"fp32": 0.999, "int8": 0.97}  # share of tokens that must be torch's own


class CaptionPart(Struct, frozen=True):
    """The captioner's entry in the manifest, what it was taught, and what it was measured at."""

    info: CaptionInfo
    data: list[DataSource]
    metrics: dict[str, float]


def make_caption(
    checkpoint: Path, student: StudentMeta, precision: Precision, folder: Path
) -> CaptionPart:
    """Write the captioner's graph and tokenizer into ``folder``; what is not int8 is fp32.

    Args:
        checkpoint: as `tinyalm distill caption` leaves it; or a bundle, or the name of a shipped
            student, whose captioner is taken as it is.
        student: whose embeddings it will be given.
        precision: of the bundle.
        folder: to write into.

    Raises:
        DataError: the checkpoint cannot be read.
        BundleError: the bundle cannot be read.
        ConfigError: it was made for another space, or the bundle has none.
        ExportError: it does not say what the captioner in torch says.
    """
    bundle = find_bundle(checkpoint)
    if (bundle / MANIFEST).is_file():
        return _taken(bundle, student, folder)
    trained = load_captioner(checkpoint)
    meta, captioner = trained.meta, trained.captioner
    _check_space(checkpoint, meta.teacher, meta.config.embedding_dim, student)
    stored: Precision = "int8" if precision == "int8" else "fp32"
    model = caption_graph(captioner, int8=stored == "int8")
    agreement = token_agreement(captioner, write_graph(model, folder / CAPTIONER), trained.examples)
    if not agreement >= _LOWEST[stored]:
        raise ExportError(
            f"the {stored} captioner says {agreement:.1%} of torch's tokens where it must say at "
            f"least {_LOWEST[stored]:.1%}; nothing was written. Train it longer, or export another "
            "--precision"
        )
    (folder / TOKENIZER).write_bytes(_compact(trained.tokenizer.to_str()))
    info = CaptionInfo(
        graph=graph_info(CAPTIONER, stored, model, parameters(captioner)),
        tokenizer=TOKENIZER,
        max_tokens=meta.config.max_tokens,
    )
    metrics = {f"{_METRIC}{name}": value for name, value in meta.metrics.items()}
    data = [DataSource(name=meta.name, clips=0, licence=licence) for licence in meta.licences]
    return CaptionPart(info, data, metrics | {f"{_METRIC}token_agreement": agreement})


def _taken(bundle: Path, student: StudentMeta, folder: Path) -> CaptionPart:
    """The captioner of another bundle."""
    manifest = read_bundle(bundle)
    origin, info = manifest.provenance, manifest.caption
    if info is None:
        raise ConfigError(f"{bundle}: has no captioner; name a bundle or a checkpoint that has one")
    _check_space(bundle, origin.teacher, manifest.embedding_dim, student)
    for name in (info.graph.file, info.tokenizer):
        shutil.copyfile(bundle / name, folder / name)
    texts = [source for source in origin.data if not source.clips]
    metrics = {name: value for name, value in origin.metrics.items() if name.startswith(_METRIC)}
    return CaptionPart(info, texts, metrics)


def _check_space(path: Path, teacher: str, dim: int, student: StudentMeta) -> None:
    mine = student.provenance.teacher, student.audio.embedding_dim
    if mine != (teacher, dim):
        raise ConfigError(
            f"{path}: a captioner for {teacher} ({dim} numbers), "
            f"and the student is one of {mine[0]} ({mine[1]}); name one of its own teacher"
        )


def token_agreement(captioner: Captioner, graph: Graph, embeddings: Tensor) -> float:
    """Share of the tokens of torch's greedy sentences that ``graph`` would say at their places.

    Args:
        captioner: in evaluation mode.
        graph: its export, asked step by step.
        embeddings: (n, embedding_dim) float32; the first `EXAMPLES` are said.
    """
    given = embeddings[:EXAMPLES, None]
    expected = _greedy(captioner, given).numpy()
    embedding, past = given.numpy(), captioner.nothing(len(given)).numpy()
    same, going = [], np.ones(len(given), np.bool_)
    for ids, wanted in zip(expected.T[:-1], expected.T[1:], strict=True):
        inputs = {"embedding": embedding, "input_ids": ids[:, None], "past": past}
        answer = graph.run(inputs)
        embedding, past = embedding[:, :0], answer["present"]
        same += (answer["logits"][:, -1].argmax(axis=1) == wanted)[going].tolist()
        going &= wanted != END
    return float(np.mean(same))


@torch.inference_mode()
def _greedy(captioner: Captioner, given: Tensor) -> Tensor:
    """What torch says, (n, tokens), each token from all before it anew: without any cache."""
    ids = torch.full((len(given), 1), FULL)
    while ids.shape[1] < captioner.config.max_tokens and not (ids == END).any(dim=1).all():
        logits, _ = captioner(given, ids, captioner.nothing(len(given)))
        ids = torch.cat([ids, logits[:, -1:].argmax(dim=-1)], dim=1)
    return ids


def _compact(tokenizer: str) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(tokenizer))
