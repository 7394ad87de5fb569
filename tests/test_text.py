import time

import numpy as np
import pytest

import tinyalm
from tests.fakes import FILLERS, RATE, make_bundle, tone
from tinyalm.errors import BundleError, ConfigError
from tinyalm.text import Tokens


def test_the_template_is_around_the_label_and_not_in_the_answer(model, tmp_path):
    label = model.embed_labels(["hum"], template="n1 n2 {}")
    assert label.labels == ["hum"]
    assert np.array_equal(label.embeddings[0], model.embed_text("n1 n2 hum"))
    assert (
        model.tag(tone(250, 3), ["hum"], sample_rate=RATE, template="n1 {}").tags[0].label == "hum"
    )
    templated = tinyalm.load(make_bundle(tmp_path / "t.tinyalm", template="n3 {}"))
    assert np.array_equal(templated.embed_labels(["hum"]).embeddings[0], model.embed_text("n3 hum"))


def test_a_text_does_not_depend_on_its_batch(model):
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(FILLERS, rng.integers(1, 12))) for _ in range(600)]
    batch = model.embed_text(texts)
    assert np.array_equal(batch, model.embed_text(texts))
    assert np.array_equal(batch[::-1], model.embed_text(texts[::-1]))
    assert np.allclose(batch, [model.embed_text(text) for text in texts], atol=1e-6)


def test_a_long_text_is_cut_to_the_most_tokens(model):
    assert np.array_equal(model.embed_text("n1 " * 50), model.embed_text("n1 " * 8))


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_a_text_without_a_word_is_refused(model, text):
    with pytest.raises(ConfigError, match="has no word in it"):
        model.embed_text(["hum", text])


def test_ten_thousand_labels_are_answered_soon(model):
    labels = [f"{a} {b}" for a in FILLERS for b in FILLERS]
    labels[7777] = "hiss"
    start = time.perf_counter()
    tags = model.tag(tone(5000, 10), labels, sample_rate=RATE)
    assert time.perf_counter() - start < 5
    assert len(labels) == 10_000
    assert tags.segments[-1].tags[0].label == "hiss"


def test_the_last_labels_are_remembered(model):
    first = model.embed_labels(["hum", "hiss"])
    assert model.embed_labels(("hum", " hiss ")) is first
    assert model.embed_labels(["hum", "hiss"], template="n1 {}") is not first
    assert model.embed_labels(["hiss", "hum"]).labels == ["hiss", "hum"]


def test_a_tokenizer_that_is_none_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match=r"tokenizer.json: not a tokenizer \("):
        Tokens(tmp_path / "tokenizer.json", 8)


def test_batches_of_tokens_are_padded_under_the_mask(bundle):
    tokens = Tokens(bundle / "tokenizer.json", 4)
    ids, mask = tokens(["hum", "hum buzz n0 n1 n2"])
    assert ids.dtype == mask.dtype == np.int64
    assert ids.tolist() == [[2, 0, 0, 0], [2, 3, 10, 11]]
    assert mask.tolist() == [[1, 0, 0, 0], [1, 1, 1, 1]]
