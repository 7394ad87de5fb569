from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fake_teacher import ToneTeacher
from tests.fakes import WORDS
from tinyalm_distill.objectives import cosine_distance
from tinyalm_distill.phrases import make_phrases, trim_tokenizer
from tinyalm_distill.recipe import TextTraining
from tinyalm_distill.taught_texts import teach_phrases
from tinyalm_distill.teachers import AudioTextTeacher
from tinyalm_distill.text_training import DistilledText, distil_text


def distilled(
    teacher: AudioTextTeacher, known: list[str], config: TextTraining, cache: Path, *, seed: int
) -> DistilledText:
    texts = teach_phrases(teacher, known, config, cache, seed=seed, say=print)
    return distil_text(texts, config, seed=seed)


def test_the_student_reads_phrases_that_it_was_not_taught(tmp_path: Path) -> None:
    config = TextTraining(rank=8, phrases=600, epochs=20, batch_size=32, learning_rate=1e-2)
    text = distilled(ToneTeacher(), list(WORDS), config, tmp_path, seed=0)
    assert text.cosine > 0.9
    ids = [text.tokenizer.encode(phrase).ids for phrase in ("the squeak and the hiss", "squeak")]
    with torch.inference_mode():
        rows = [text.student(torch.tensor([x]), torch.ones(1, len(x))) for x in ids]
    target = torch.from_numpy(ToneTeacher().embed_text(["the squeak and the hiss", "squeak"]))
    assert float(cosine_distance(torch.cat(rows), target)) < 0.1


def test_a_transformer_learns_which_word_came_first(tmp_path: Path) -> None:
    class Ordered(ToneTeacher):
        """Reads the first word twice as loud as the others."""

        name = "ordered"

        def embed_text(self, texts: Sequence[str]) -> np.ndarray:
            first = [" ".join(text.replace(",", "").split()[:1]) for text in texts]
            rows = super().embed_text(texts) + super().embed_text(first)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    pairs = [f"{a} {b}" for a in WORDS for b in WORDS if a != b]
    table, transformer = (
        distilled(
            Ordered(),
            pairs[4:],
            TextTraining(
                rank=8,
                width=16,
                layers=layers,
                phrases=0,
                epochs=60,
                batch_size=16,
                learning_rate=1e-2,
                held_out=0.1,
            ),
            tmp_path / str(layers),
            seed=0,
        )
        for layers in (0, 1)
    )
    targets = torch.from_numpy(Ordered().embed_text(pairs[:4]))

    def cosine(text: DistilledText) -> float:
        ids = torch.tensor([text.tokenizer.encode(pair).ids for pair in pairs[:4]])
        with torch.inference_mode():
            return 1 - float(cosine_distance(text.student(ids, torch.ones_like(ids)), targets))

    assert cosine(transformer) > 0.97 > 0.96 > cosine(table)


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    config = TextTraining(rank=4, phrases=50, epochs=2, batch_size=16)
    tables = [
        distilled(ToneTeacher(), list(WORDS), config, tmp_path, seed=seed).student.table.weight
        for seed in (0, 0, 1)
    ]
    assert torch.equal(tables[0], tables[1])
    assert not torch.equal(tables[0], tables[2])


def test_a_table_trained_for_4_bits_holds_15_levels_a_row(tmp_path: Path) -> None:
    config = TextTraining(
        rank=8, table_bits=4, phrases=600, epochs=20, batch_size=32, learning_rate=1e-2
    )
    text = distilled(ToneTeacher(), list(WORDS), config, tmp_path, seed=0)
    rows = text.student.table.weight.detach()
    levels = 7 * rows / rows.abs().amax(dim=1, keepdim=True)
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert text.cosine > 0.9


def test_phrases_come_once_and_the_known_come_first() -> None:
    phrases = make_phrases(["hum", "a horn"], ToneTeacher().tokenizer, 200, seed=0)
    assert phrases[:2] == ["hum", "a horn"]
    assert "squeak" in phrases
    assert len(set(phrases)) == len(phrases) > 100
    assert phrases == make_phrases(["hum", "a horn"], ToneTeacher().tokenizer, 200, seed=0)


def test_a_trimmed_tokenizer_splits_words_as_before() -> None:
    before = ToneTeacher().tokenizer
    after, tokens = trim_tokenizer(before, [], 1000)
    assert "中" not in tokens
    assert "[unused0]" not in tokens
    for text in ("hum and hiss", "xylophone", "the zebra buzz"):
        assert after.encode(text).tokens == before.encode(text).tokens
        encoded = after.encode(text)
        assert encoded.ids == [tokens.index(token) for token in encoded.tokens]


def test_a_small_vocabulary_keeps_what_is_used_most_and_spells_the_rest() -> None:
    before = ToneTeacher().tokenizer
    after, tokens = trim_tokenizer(before, ["the squeak", "the squeak", "a horn"], 3)
    letters = {token for token in tokens if len(token.removeprefix("##")) == 1}
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}
    # In turn: used most, most frequent, used next.
    assert set(tokens) - letters - special == {"squeak", "hum", "the"}
    assert after.encode("squeak buzz").tokens == ["squeak", "b", "##u", "##z", "##z"]


def test_a_trimmed_tokenizer_has_the_tokens_that_were_asked_for() -> None:
    before = ToneTeacher().tokenizer
    none, tokens = trim_tokenizer(before, ["the squeak"], 0)
    assert all(len(t.removeprefix("##")) == 1 or t.startswith("[") for t in tokens)
    assert none.encode("a hum").tokens == ["a", "h", "##u", "##m"]


def test_cosine_distance_by_hand() -> None:
    student = torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    teacher = torch.tensor([[1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])
    expected = (0 + 2 + (1 - np.sqrt(0.5))) / 3
    assert float(cosine_distance(student, teacher)) == pytest.approx(expected)
