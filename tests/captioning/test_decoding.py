"""The search, on toy decoders whose every sentence can be scored."""

import itertools

import numpy as np
import pytest

from tinyalm.captioning.decoding import Sentence, search
from tinyalm.captioning.vocabulary import END, FULL, SPECIAL

VOCABULARY = len(SPECIAL) + 3  # END and three words can be said
WORDS = range(len(SPECIAL), VOCABULARY)
EMBEDDING = np.ones(4, np.float32)
LONGEST = 5  # tokens, the first included


def toy(seed: int):
    """A decoder whose scores depend on the last two tokens, which its past keeps."""
    table = np.random.default_rng(seed).normal(size=(VOCABULARY, VOCABULARY, VOCABULARY)) * 2

    def step(embedding, ids, past):
        assert embedding.shape == (len(ids), 1 if not past.shape[4] else 0, 4)
        last = past[0, 0, :, 0, -1, 0].astype(int) if past.shape[4] else np.zeros(len(ids), int)
        logits = table[last, ids[:, 0]]
        new = np.broadcast_to(ids[None, None, :, :, None, None], (1, 2, len(ids), 1, 1, 1))
        return logits.astype(np.float32), np.concatenate([past, new.astype(np.float32)], axis=4)

    return step, table


def found(step, **options) -> Sentence:
    past = np.zeros((1, 2, 1, 1, 0, 1), np.float32)
    return search(step, EMBEDDING, past, FULL, max_tokens=LONGEST, **options)[0]


def log_softmax(logits):
    logits = logits.astype(np.float32).astype(np.float64)
    return logits - np.log(np.exp(logits).sum())


def exhaustive(table, penalty: float) -> tuple[list[int], float]:
    """The best of all sentences, by scoring each."""
    best, highest = [], -np.inf
    for length in range(1, LONGEST):
        for words in itertools.product(WORDS, repeat=length):
            if any(a == b for a, b in itertools.pairwise(words)):
                continue
            ended = [*words, END] if length < LONGEST - 1 else [*words]
            said, total, before, last = [], 0.0, 0, FULL
            for token in ended:
                total += log_softmax(table[before, last])[token]
                said, before, last = [*said, token], last, token
            score = total / len(ended) ** penalty
            if score > highest:
                best, highest = list(words), score
    return best, highest


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_beam_that_holds_all_sentences_finds_the_best_of_them(seed, penalty):
    step, table = toy(seed)
    words, score = exhaustive(table, penalty)
    sentence = found(step, beam=200, length_penalty=penalty)
    assert sentence.ids == words
    assert sentence.score == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_wider_beam_is_never_worse_than_greedy_here(seed):
    step, _ = toy(seed)
    assert found(step, beam=200).score >= found(step, beam=1).score


def test_greedy_takes_the_likeliest_word_each_time():
    step, table = toy(3)
    said, before, last = [], 0, FULL
    while len(said) < LONGEST - 1:
        scores = table[before, last].copy()
        scores[[n for n in range(len(SPECIAL)) if n != END or not said]] = -np.inf
        if said:
            scores[said[-1]] = -np.inf
        token = int(scores.argmax())
        if token == END:
            break
        said, before, last = [*said, token], last, token
    assert found(step, beam=1).ids == said


def test_three_words_in_a_row_are_said_once():
    cycle = {FULL: 5, 5: 6, 6: 7, 7: 5}

    def step(embedding, ids, past):
        logits = np.full((len(ids), VOCABULARY), -5.0, np.float32)
        logits[np.arange(len(ids)), [cycle[token] for token in ids[:, 0].tolist()]] = 5.0
        return logits, past

    past = np.zeros((1, 2, 1, 1, 0, 1), np.float32)
    said = search(step, EMBEDDING, past, FULL, beam=1, max_tokens=10)[0].ids
    grams = [tuple(said[at : at + 3]) for at in range(len(said) - 2)]
    assert said[:5] == [5, 6, 7, 5, 6]
    assert len(grams) == len(set(grams))


def test_nothing_but_words_is_said_and_never_nothing():
    def step(embedding, ids, past):
        logits = np.zeros((len(ids), VOCABULARY), np.float32)
        logits[:, : len(SPECIAL)] = 9.0
        return logits, past

    past = np.zeros((1, 2, 1, 1, 0, 1), np.float32)
    for beam in (1, 3):
        said = search(step, EMBEDDING, past, FULL, beam=beam, max_tokens=8)[0].ids
        assert said
        assert set(said) <= set(WORDS)


def test_all_sentences_that_ended_are_given_the_best_first():
    step, _ = toy(1)
    past = np.zeros((1, 2, 1, 1, 0, 1), np.float32)
    several = search(step, EMBEDDING, past, FULL, beam=4, max_tokens=LONGEST)
    assert len({tuple(one.ids) for one in several}) == len(several) >= 4
    assert [one.score for one in several] == sorted((one.score for one in several), reverse=True)
