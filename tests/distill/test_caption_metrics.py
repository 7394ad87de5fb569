"""Metrics of captions, against values by hand and against aac-metrics."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fake_teacher import ToneTeacher
from tinyalm_distill.evaluation.captions import caption_statistics
from tinyalm_distill.evaluation.sentences import bleu, cider_d, rouge_l, words_of


def score(said: list[str], references: list[list[str]]) -> float:
    return float(bleu(said, references)(np.ones((1, len(said))))[0])


def test_words_are_in_lower_case_and_without_punctuation() -> None:
    assert words_of("A dog's bark, then RAIN.") == ["a", "dog's", "bark", "then", "rain"]


def test_bleu_by_hand() -> None:
    assert score(["a dog barks very loudly"], [["a dog barks very loudly"]]) == pytest.approx(1)
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples; lengths are equal.
    found = score(["a dog barks very quietly"], [["a dog barks very loudly"]])
    assert found == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    # All that is said is right, but it is 4 words of 8: exp(1 - 8 / 4).
    short = score(["a dog barks and"], [["a dog barks and a child is laughing"]])
    assert short == pytest.approx(np.exp(-1))
    assert score(["rain"], [["a dog barks"]]) == 0


def test_bleu_counts_a_word_no_oftener_than_a_reference_and_adds_up_over_clips() -> None:
    said, refs = ["a a a a"], [["a b c d"]]
    assert score(said, refs) == 0
    one = bleu(["a b c d e", "x"], [["a b c d e"], ["y"]])
    assert one(np.array([[1.0, 0.0]]))[0] == pytest.approx(1)
    both = (5 / 6 * 4 / 4 * 3 / 3 * 2 / 2) ** 0.25
    assert one(np.array([[1.0, 1.0]]))[0] == pytest.approx(both)


def test_rouge_l_by_hand() -> None:
    # The longest common subsequence is "a dog loudly": 3 of 4 said, 3 of 5 in the reference.
    found = rouge_l(["a dog sits loudly"], [["a big dog barks loudly"]])
    precision, recall = 3 / 4, 3 / 5
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert found == pytest.approx([expected])
    assert rouge_l(["rain falls"], [["a dog", "rain falls"]]) == pytest.approx([1])
    assert rouge_l(["rain"], [["wind"]]) == pytest.approx([0])


def test_cider_d_by_hand() -> None:
    said = ["a dog barks", "rain falls hard"]
    references = [["a dog barks"], ["a siren wails"]]
    # The first is its reference word for word, but has no quadruple: 3 of 4 lengths count, and
    # "a", which is in every document, nothing.
    assert cider_d(said, references) == pytest.approx([7.5, 0])
    # Of the words only "dog" is shared: log 2 squared over the lengths of both; no pair is.
    (found, _) = cider_d(["a dog runs", "x"], [["a dog barks"], ["a siren wails"]])
    assert found == pytest.approx(10 / 4 * (1 / 2 + 1 / 2))


def test_cider_d_punishes_length_and_repetition() -> None:
    references = [["dog barks"], ["siren wails"]]
    exact, longer = (
        cider_d([text, "x"], references)[0] for text in ("dog barks", "dog barks now and then")
    )
    repeated = cider_d(["dog barks dog barks dog barks", "x"], references)[0]
    assert exact > longer > 0
    assert exact > repeated


def test_aac_metrics_says_the_same() -> None:
    # tests/golden/make_caption_goldens.py asked it.
    path = Path(__file__).parents[1] / "golden" / "captions.json"
    golden = json.loads(path.read_text(encoding="utf-8"))
    said, references = golden["said"], golden["references"]
    assert score(said, references) == pytest.approx(golden["bleu_4"], abs=1e-9)
    assert rouge_l(said, references) == pytest.approx(golden["rouge_l"], abs=1e-9)
    assert cider_d(said, references) == pytest.approx(golden["cider_d"], abs=1e-9)


def test_captions_are_measured_by_likeness_and_by_what_nothing_supports() -> None:
    teacher = ToneTeacher()
    figures = caption_statistics(
        ["hum and buzz", "horn"], [["hum"], ["horn"]], [["hum", "buzz"], []], teacher.embed_text
    )
    values = {name: float(of(np.ones((1, 2)))[0]) for name, of in figures.items()}
    assert values["hallucination"] == 0
    assert 0.8 < values["similarity"] < 0.95
    wrong = caption_statistics(
        ["hum and buzz", "squeak"], [["hum"], ["horn"]], [[], []], teacher.embed_text
    )
    assert float(wrong["hallucination"](np.ones((1, 2)))[0]) == pytest.approx(2 / 3)
