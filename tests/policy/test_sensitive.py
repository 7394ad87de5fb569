"""How often free text is judged wrongly, on phrases of concepts that nothing was chosen by."""

import csv
from pathlib import Path

import numpy as np
import pytest

import tinyalm
from tinyalm.label_pack import read_label_pack
from tinyalm.policy import concepts
from tinyalm.policy.words import named


@pytest.fixture(scope="module")
def micro():
    return tinyalm.load()


@pytest.fixture(scope="module")
def held_out():
    """Category and phrase of what is tested with."""
    with Path(__file__).with_name("held_out.csv").open(newline="") as file:
        return [(row["category"], row["phrase"]) for row in csv.DictReader(file)]


def test_held_out_phrases_are_of_other_concepts(held_out):
    assert not {text for _, text in held_out} & {text for _, text in concepts.phrases()}
    assert sum(category != "benign" for category, _ in held_out) >= 60
    assert sum(category == "benign" for category, _ in held_out) >= 120


def test_misses_and_false_refusals_are_those_of_the_docs(micro, held_out):
    texts = [text for _, text in held_out]
    sensitive = np.array([category != "benign" for category, _ in held_out])
    near = concepts.Concepts(micro.manifest, None).nearest(micro.embed_text(texts))
    found = np.array([bool(named(text) or one) for text, one in zip(texts, near, strict=True)])
    assert np.mean(~found[sensitive]) <= 0.06
    assert np.mean(found[~sensitive]) <= 0.05
    alone = np.array([one is not None for one in near])
    assert np.mean(~alone[sensitive]) <= 0.16


def test_the_vectors_that_ship_are_those_of_the_phrases(micro):
    pack = read_label_pack(Path(concepts.__file__).with_name("phrases.labels"))
    texts = [text for _, text in concepts.phrases()]
    assert pack.labels == texts
    assert (pack.embeddings * micro.embed_text(texts)).sum(axis=1).min() > 0.999


def test_another_teachers_students_read_the_phrases_themselves(model):
    other = concepts.Concepts(model.manifest, model.embed_text)
    assert other.nearest(model.embed_text(["hum", "nonsense"])) == [None, None]
    deaf = concepts.Concepts(model.manifest, None)
    assert deaf.nearest(model.embed_text(["hum"])) == [None]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("A WOMAN speaks", "gender"),
        ("wom\N{LATIN SMALL LETTER A WITH ACUTE}n", "gender"),
        ("Whose   voice is it", "identity"),
        ("Alzheimer\N{RIGHT SINGLE QUOTATION MARK}s", "health"),
        ("a human voice", None),
        ("german shepherd", None),
        ("manual drill", None),
        ("mandolin", None),
    ],
)
def test_words(text, category):
    assert named(text) == category
