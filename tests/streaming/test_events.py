from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyalm.errors import ConfigError
from tinyalm.streaming import EventDetector, EventRule, Hysteresis, limits, read_rule

RATE = 10  # windows of 2 s every second: seams lie at 0, 1.5, 2.5, …


def detector(rule, labels=("dog",), thresholds=None):
    own = np.full(len(labels), np.nan) if thresholds is None else np.array(thresholds)
    return EventDetector(labels, limits(rule, labels, own, RATE), RATE)


def events(rule, *rows, labels=("dog",), thresholds=None):
    """Events of scores, a number or a list a window, as (label, start, end, peak, score)."""
    machine = detector(rule, labels, thresholds)
    found = []
    for number, row in enumerate(rows):
        scores = np.atleast_1d(np.array(row, float))
        found += machine.push(number * RATE, (number + 2) * RATE, scores)
    found += machine.finish()
    return [(e.label, e.start, e.end, e.peak, round(e.score, 6)) for e in found]


def spans(*args, **kwargs):
    return [found[1:3] for found in events(*args, **kwargs)]


def test_an_event_reaches_from_seam_to_seam():
    rule = EventRule(on=0.6, off=0.4)
    assert events(rule, 0, 0.7, 0.9, 0.5, 0.3, 0) == [("dog", 1.5, 4.5, 3.0, 0.9)]


def test_the_first_window_begins_and_the_last_ends_with_the_stream():
    assert spans(EventRule(on=0.6), 0.6, 0, 0.6) == [(0, 1.5), (2.5, 4.0)]


def test_between_the_thresholds_nothing_starts_and_nothing_ends():
    rule = EventRule(on=0.6, off=0.4)
    assert spans(rule, 0.5, 0.5, 0.6, 0.4, 0.5, 0.39, 0.5) == [(2.5, 5.5)]
    assert spans(EventRule(on=0.6, off=0.6), 0.6, 0.59, 0.6, 0) == [(0, 1.5), (2.5, 3.5)]


def test_off_is_a_fraction_of_on_by_default():
    assert spans(EventRule(on=0.5), 0.5, 0.41, 0.39, 0.5) == [(0, 2.5), (3.5, 5.0)]


def test_short_events_are_dropped():
    rule = EventRule(on=0.5, min_duration_s=2)
    assert spans(rule, 0, 1, 0, 1, 1, 0) == [(3.5, 5.5)]


def test_close_events_are_one_and_its_peak_is_the_higher():
    rows = (0, 0.6, 0, 0.9, 0, 0, 0.8, 0)
    apart = [("dog", 1.5, 2.5, 2.0, 0.6), ("dog", 3.5, 4.5, 4.0, 0.9), ("dog", 6.5, 7.5, 7.0, 0.8)]
    assert events(EventRule(on=0.5), *rows) == apart
    assert events(EventRule(on=0.5, min_gap_s=1), *rows) == apart
    joined = [("dog", 1.5, 4.5, 4.0, 0.9), apart[2]]
    assert events(EventRule(on=0.5, min_gap_s=1.1), *rows) == joined


def test_gaps_are_closed_before_durations_are_judged():
    rule = EventRule(on=0.5, min_gap_s=1.5, min_duration_s=3)
    assert spans(rule, 0, 1, 0, 1, 0, 0, 0, 1, 0) == [(1.5, 4.5)]


def test_a_label_rests_after_an_event():
    rows = (1, 0, 1, 0, 1, 1, 1, 0)
    assert spans(EventRule(on=0.5), *rows) == [(0, 1.5), (2.5, 3.5), (4.5, 7.5)]
    # From 1.5 s to 5.5 s nothing starts; what then still sounds does.
    assert spans(EventRule(on=0.5, refractory_s=4), *rows) == [(0, 1.5), (5.5, 7.5)]


def test_a_dropped_event_makes_no_rest():
    rule = EventRule(on=0.5, refractory_s=9, min_duration_s=1.2)
    assert spans(rule, 0, 1, 0, 1, 1, 0) == [(3.5, 5.5)]


def test_smoothing_is_an_exponential_mean():
    kept = np.exp(-1 / 2)
    expected = [0.0, 1 - kept, 1 - kept**2, 1 - kept**3]
    machine = detector(EventRule(on=0.7, smoothing_s=2))
    for number, score in enumerate((0, 1, 1, 1)):
        machine.push(number * RATE, (number + 2) * RATE, np.array([float(score)]))
        assert machine.smoothed[0] == pytest.approx(expected[number])
    (event,) = machine.finish()
    assert (event.start, event.score) == (3.5, pytest.approx(1 - kept**3))


def test_all_rules_together_and_each_label_its_own():
    rule = EventRule(
        on=0.5,
        min_gap_s=1.5,
        min_duration_s=2,
        refractory_s=3,
        labels={"cat": Hysteresis(on=0.9), "owl": Hysteresis(smoothing_s=1e6, min_duration_s=0)},
    )
    dog = [0.6, 0.0, 0.7, 0.0, 0.0, 0.8, 0.8, 0.8, 0.8, 0.0, 0.0]
    cat = [0.8, 0.8, 0.9, 0.95, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    owl = [0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    rows = [list(row) for row in zip(dog, cat, owl, strict=True)]
    assert events(rule, *rows, labels=("dog", "cat", "owl")) == [
        ("dog", 0, 3.5, 3.0, 0.7),  # one with the gap of a second
        ("cat", 2.5, 4.5, 4.0, 0.95),
        ("dog", 6.5, 9.5, 7.0, 0.8),  # three seconds after the first
        ("owl", 0, 12, 1.0, 0.6),
    ]


def test_an_override_of_on_takes_its_own_off():
    rule = EventRule(on=0.9, off=0.8, labels={"dog": Hysteresis(on=0.5)})
    assert spans(rule, 0.5, 0.41, 0.39) == [(0, 2.5)]


def test_a_threshold_of_the_label_is_its_on():
    rows = [[0.6, 0.6], [0.8, 0.8], [0.5, 0.5]]
    found = events(EventRule(), *rows, labels=("dog", "cat"), thresholds=[0.7, np.nan])
    assert [(e[0], e[1], e[2]) for e in found] == [("dog", 1.5, 2.5), ("cat", 0, 4)]


def test_windows_that_are_missing_are_neither_silent_nor_loud():
    machine = detector(EventRule(on=0.5))
    loud, still = np.array([1.0]), np.array([0.0])
    assert machine.push(0, 20, loud) == []
    assert machine.push(100, 120, loud) == []  # goes on
    (event,) = machine.push(200, 220, still)
    assert (event.start, event.end) == (0, 12)  # as far as it was heard


def test_open_events_are_seen_and_then_answered_once():
    machine = detector(EventRule(on=0.5, min_gap_s=5))
    machine.push(0, 20, np.array([0.7]))
    (open_,) = machine.open
    assert (open_.start, open_.end, open_.score) == (0, 2, 0.7)
    machine.push(10, 30, np.array([0.0]))
    assert [one.end for one in machine.open] == [1.5]
    assert [one.end for one in machine.finish()] == [1.5]
    assert machine.open == machine.finish() == []


RULES = st.builds(
    EventRule,
    on=st.sampled_from([0.3, 0.5, 0.7]),
    off=st.sampled_from([0.1, 0.2, 0.3]),
    min_duration_s=st.sampled_from([0, 1, 1.2, 3]),
    min_gap_s=st.sampled_from([0, 1, 1.5, 3]),
    refractory_s=st.sampled_from([0, 1, 2.5, 5]),
    smoothing_s=st.sampled_from([0, 0.5, 2]),
)
ROWS = st.lists(st.sampled_from([0, 0.15, 0.25, 0.4, 0.6, 0.8]), min_size=1, max_size=40)


@given(RULES, ROWS)
@settings(max_examples=200, deadline=None)
def test_what_holds_for_every_rule(rule, rows):
    found = events(rule, *rows)
    assert all(e[4] >= rule.on and e[1] <= e[3] <= e[2] <= len(rows) + 1 for e in found)
    assert all(e[2] - e[1] >= rule.min_duration_s for e in found)
    for one, other in pairwise(found):
        assert other[1] - one[2] >= max(rule.min_gap_s, rule.refractory_s)


@given(RULES, ROWS)
@settings(max_examples=200, deadline=None)
def test_events_are_those_of_the_whole_row_of_scores(rule, rows):
    """Against an answer from the other end: runs of whole arrays, joined, then judged."""
    rule = EventRule(
        on=rule.on, off=rule.off, min_gap_s=rule.min_gap_s, min_duration_s=rule.min_duration_s
    )
    scores = np.array(rows)
    seams = [0, *(number + 0.5 for number in range(1, len(rows))), len(rows) + 1]
    # Whoever is between the thresholds does as the last one that was not.
    sure = np.where(scores >= rule.on, 1, np.where(scores < rule.off, 0, -1))
    last = np.maximum.accumulate(np.where(sure >= 0, np.arange(len(rows)), -1))
    active = np.where(last >= 0, sure[last], 0)
    edges = np.diff(np.concatenate([[0], active, [0]]))
    ends = zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True)
    runs = [[seams[first], seams[after]] for first, after in ends]
    joined = []
    for run in runs:
        if joined and run[0] - joined[-1][1] < rule.min_gap_s:
            joined[-1][1] = run[1]
        else:
            joined.append(run)
    assert [list(one) for one in spans(rule, *rows)] == [
        run for run in joined if run[1] - run[0] >= rule.min_duration_s
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"on": 0}, "on is 0;"),
        ({"on": 1.5}, "on is 1.5"),
        ({"off": -1}, "off is -1"),
        ({"on": 0.5, "off": 0.6}, "off 0.6 is above on 0.5"),
        ({"min_gap_s": -1}, "min_gap_s is -1"),
        ({"smoothing_s": float("nan")}, "smoothing_s is nan"),
        ({"refractory_s": float("inf")}, "refractory_s is inf"),
    ],
)
def test_rules_that_make_no_sense(fields, message):
    with pytest.raises(ConfigError, match=message):
        EventRule(**fields)


def test_rules_that_do_not_fit_the_labels():
    with pytest.raises(ConfigError, match="names 'cat'"):
        detector(EventRule(labels={"cat": Hysteresis(on=0.5)}))
    with pytest.raises(ConfigError, match=r"off 0.6 is above 0.5, where 'dog' starts"):
        detector(EventRule(off=0.6))


def test_a_rule_from_a_file(tmp_path):
    file = tmp_path / "rule.json"
    file.write_text('{"on": 0.6, "labels": {"dog": {"min_gap_s": 2}}}')
    assert read_rule(file) == EventRule(on=0.6, labels={"dog": Hysteresis(min_gap_s=2)})
    for text, message in (
        ('{"onn": 0.6}', "unknown field `onn`"),
        ('{"on": 3}', "on is 3"),
        ('{"labels": {"dog": {"off": 3}}}', "off is 3"),
        ("on: 0.6", "not a rule"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigError, match=f"rule.json: .*{message}"):
            read_rule(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rule(tmp_path / "none.json")
