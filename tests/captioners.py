"""A captioner taught on the words of `tests.fakes`, and bundles that carry it."""

from pathlib import Path
from typing import Any

from tests.fake_teacher import ToneTeacher
from tests.fakes import WORDS, fill, make_bundle
from tinyalm.bundle import BundleManifest, CaptionInfo, read_bundle, write_bundle
from tinyalm.models.captioner_checkpoint import load_captioner
from tinyalm_distill.captioning.making import make_captioner
from tinyalm_distill.captioning.recipe import (
    Bridge,
    CaptionData,
    CaptionRecipe,
    CaptionShape,
    CaptionTraining,
)
from tinyalm_export.caption_graph import caption_graph
from tinyalm_export.graphs import file_content, graph_info, stamp

FORMS = ("a {} and a {}", "a {} while a {} sounds", "the {} , then the {}")


def captions() -> list[str]:
    """Sentences over pairs of words."""
    pairs = [(a, b) for a in WORDS for b in WORDS if a != b]
    return [form.format(*pair) for form in FORMS for pair in pairs] + [
        f"a {a} sounds" for a in WORDS
    ]


def recipe(folder: Path, **training: Any) -> CaptionRecipe:
    """A training of seconds."""
    texts = folder / "captions.txt"
    texts.write_text("\n".join(captions()), encoding="utf-8")
    given = {"epochs": 8, "batch_size": 16, "warmup": 10, "validate_every": 40, "threads": 1}
    return CaptionRecipe(
        name="tiny",
        teacher="tones",
        data=CaptionData(texts=[str(texts)], licences=["CC0-1.0"], short=60, held_out=12),
        shape=CaptionShape(vocabulary=120, width=32, layers=1, heads=2, prefix=2, max_tokens=12),
        bridge=Bridge(noise=0.1, projected=0.2),
        train=CaptionTraining(**{**given, "learning_rate": 5e-3, "smoothing": 0.0, **training}),
    )


def train_captioner(folder: Path) -> Path:
    """The checkpoint of a captioner; the cache must be the test's own."""
    out = folder / "captioner"
    make_captioner(recipe(folder), ToneTeacher(), out, say=lambda _: None)
    return out


def bundle_with(path: Path, checkpoint: Path, **fields: Any) -> Path:
    """The bundle of `tests.fakes` with the captioner of ``checkpoint``."""
    manifest = read_bundle(make_bundle(path))
    trained = load_captioner(checkpoint)
    model = caption_graph(trained.captioner, int8=False)
    info = CaptionInfo(
        graph=graph_info("captioner.onnx", "fp32", model, 0), tokenizer="words.json", max_tokens=12
    )

    def fill_all(folder: Path) -> None:
        fill(folder)
        (folder / "captioner.onnx").write_bytes(file_content(stamp(model)))
        trained.tokenizer.save(str(folder / "words.json"))

    content = {name: getattr(manifest, name) for name in BundleManifest.__struct_fields__}
    write_bundle(path, BundleManifest(**(content | {"caption": info} | fields)), fill_all)
    return path
