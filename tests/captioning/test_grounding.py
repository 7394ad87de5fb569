import numpy as np
import pytest

from tinyalm.bundle import Calibration
from tinyalm.captioning.grounding import ground, names_something
from tinyalm.captioning.results import CaptionSegment
from tinyalm.captioning.segments import merged_text, segment
from tinyalm.captioning.vocabulary import sentence
from tinyalm.results import WindowEmbeddings, unit_length

NAMES = ("dog", "barks", "rain", "falls", "siren", "wails")
CALIBRATION = Calibration(scale=20.0, bias=-10.0, pairs=1)


def embed(texts):
    """A name and the one behind it are one thing, a text the sum of its things."""
    rows = np.zeros((len(texts), 4), np.float32)
    for row, text in zip(rows, texts, strict=True):
        things = {NAMES.index(word) // 2 for word in text.split() if word in NAMES}
        row[list(things or {3})] = 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def heard(*things: int) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[list(things)]


def grounded(text: str, *things: int):
    return chosen([text], *things)


def chosen(sentences, *things: int):
    rows = heard(*things)
    rows = np.vstack([unit_length(rows.sum(axis=0)), rows])
    said = [text.split() for text in sentences]
    words, checked = ground(said, rows, np.eye(4, dtype="f4"), embed, CALIBRATION)
    return sentence(words), checked


def test_the_sentence_is_chosen_that_says_what_is_heard_and_all_of_it():
    likely = "a siren wails", "rain falls", "a dog barks", "a dog barks and rain falls"
    assert chosen(likely, 0)[0] == "a dog barks"
    assert chosen(likely, 0, 1)[0] == "a dog barks and rain falls"
    assert chosen(likely, 1)[0] == "rain falls"


def test_a_part_alone_is_chosen_where_the_whole_says_too_much():
    words = ["a", "dog", "barks", "and", "rain", "falls"]
    labels = np.eye(4, dtype="f4")
    both = unit_length(np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], "f4"))
    first = both[[1, 1, 2]]  # of the whole recording the dog is what counts
    assert sentence(ground([words], both, labels, embed, CALIBRATION)[0]) == " ".join(words)
    assert sentence(ground([words], first, labels, embed, CALIBRATION)[0]) == "a dog barks"


@pytest.mark.parametrize(
    ("text", "things", "left"),
    [
        ("a dog barks while rain falls", (0, 1), "a dog barks while rain falls"),
        ("a dog barks while rain falls", (0,), "a dog barks"),
        ("a dog barks while rain falls", (1,), "rain falls"),
        ("a dog barks followed by a siren , and rain falls", (2, 1), "a siren, and rain falls"),
        ("a dog barks and rain falls and a siren wails", (0, 2), "a dog barks and a siren wails"),
        ("a dog barks in the distance", (0,), "a dog barks in the distance"),
        ("a dog barks and a dog", (0,), "a dog barks"),
        ("a dog and a dog barks", (0,), "a dog and a dog barks"),
    ],
)
def test_parts_without_support_are_taken_out(text, things, left):
    assert grounded(text, *things)[0] == left


def test_where_nothing_is_supported_the_best_part_is_left_with_its_low_support():
    text, checked = grounded("a dog barks while rain falls", 3)
    assert text
    assert all(word.support < 0.01 for word in checked)


def test_support_is_shown_word_by_word_also_of_what_was_taken_out():
    _, checked = grounded("a dog barks while rain falls", 0)
    assert [(word.text, word.kept) for word in checked] == [
        ("dog", True),
        ("barks", True),
        ("rain", False),
        ("falls", False),
    ]
    assert [word.support > 0.9 for word in checked] == [True, True, False, False]


def test_a_sentence_that_names_nothing_is_not_said_where_another_names_something():
    assert chosen(["by", "a dog barks", "and"], 0)[0] == "a dog barks"
    assert chosen(["by", "and"], 0) == ("by", [])


def test_a_sentence_without_names_stays_as_it_is():
    assert grounded("then it is loud", 0) == ("then it is loud", [])
    assert not any(map(names_something, ("a", "of", ",", "then", "'s")))


def windows(*things: int, hop: float = 1.0) -> WindowEmbeddings:
    starts = np.arange(len(things)) * hop
    return WindowEmbeddings(starts, starts + hop, heard(*things))


def test_a_recording_is_cut_where_it_begins_to_sound_otherwise():
    assert segment(windows(*[0] * 6, *[1] * 6)) == [(0, 6), (6, 12)]
    assert segment(windows(*[0] * 11)) == [(0, 11)]
    assert segment(windows(0, 1)) == [(0, 2)]


def test_segments_cover_all_windows_once_and_have_an_upper_length():
    recording = windows(*[0] * 100)
    spans = segment(recording)
    assert [number for first, stop in spans for number in range(first, stop)] == list(range(100))
    assert all(stop - first <= 30 for first, stop in spans)


def of(text: str, start: float, end: float) -> CaptionSegment:
    return CaptionSegment(start, end, text, 1.0, [])


def test_captions_are_told_in_time_order_each_once():
    assert merged_text([of("rain", 0, 9)]) == "rain"
    assert merged_text([of("rain", 0, 3), of("rain", 3, 6)]) == "rain"
    assert merged_text([of("rain", 0, 3), of("", 3, 6), of("a dog", 6, 9)]) == (
        "first rain, then a dog"
    )
    assert merged_text([of("", 0, 3)]) == ""


def test_of_many_segments_the_longest_are_told_in_time_order():
    many = [
        of(name, at, at + length)
        for name, at, length in (
            ("a", 0, 5),
            ("b", 5, 1),
            ("c", 6, 9),
            ("d", 15, 7),
            ("e", 22, 2),
            ("f", 24, 8),
        )
    ]
    assert merged_text(many) == "first a, then c, then d, then f"
