import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyalm.adapters import EncoderInfo
from tinyalm.errors import ConfigError
from tinyalm.few_shot import learn
from tinyalm.results import unit_length

ENCODER = EncoderInfo(bundle="any", audio_sha256="0" * 64, embedding_dim=32)
DIM = 32


def sounds(draw, centre, count, spread=0.6):
    """Unit vectors around ``centre``, (count, DIM) float32."""
    noise = unit_length(draw.normal(size=(count, DIM)).astype(np.float32))
    return unit_length(centre + spread * noise)


def world(seed, labels=3, shots=10):
    """Examples of labels, fresh sounds of each, and two sets of other sounds."""
    draw = np.random.default_rng(seed)
    centres = unit_length(draw.normal(size=(labels, DIM)).astype(np.float32))
    examples = {f"label {i}": list(sounds(draw, c, shots)) for i, c in enumerate(centres)}
    fresh = [sounds(draw, centre, 50) for centre in centres]
    others = unit_length(draw.normal(size=(2, 1000, DIM)).astype(np.float32))
    return examples, fresh, *others


def answers(learned, rows):
    """(rows, labels) whether each label is answered."""
    return rows @ learned.embeddings.T >= learned.thresholds


def fit(examples, others, **options):
    return learn(examples, others, name="set", encoder=ENCODER, **options)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.05, 0.2]))
def test_other_sounds_are_none_of_these_at_the_stated_rate(seed, false_alarm):
    examples, fresh, others, unseen = world(seed)
    learned = fit(examples, others, false_alarm=false_alarm)
    rate = answers(learned, unseen).any(axis=1).mean()
    # Both the threshold and this rate are estimates from 1,000 sounds.
    assert abs(rate - false_alarm) < 5 * (2 * false_alarm / 1000) ** 0.5
    for index, rows in enumerate(fresh):
        assert answers(learned, rows)[:, index].mean() > 0.9


def test_a_label_scores_high_on_its_own_sounds_and_low_on_all_others():
    examples, fresh, others, unseen = world(1)
    learned = fit(examples, others)
    for index, rows in enumerate(fresh):
        scores = np.stack([learned.probability(row @ learned.embeddings.T) for row in rows])
        assert (scores.argmax(axis=1) == index).mean() > 0.98
        assert np.median(scores[:, index]) > 0.75
    scores = np.stack([learned.probability(row @ learned.embeddings.T) for row in unseen])
    assert np.median(scores) < 0.1


def test_the_direction_by_hand():
    # Everything lies on one line, so the direction is that line, and what is halfway between the
    # label and the others, whose spreads are equal, scores even odds.
    ahead = np.eye(DIM, dtype=np.float32)[0]
    learned = fit({"ahead": [ahead] * 4}, np.stack([-ahead] * 4))
    assert np.allclose(learned.embeddings, ahead, atol=1e-6)
    assert learned.probability(np.zeros(1, np.float32)) == pytest.approx(0.5, abs=0.02)
    # Targets of Platt's fit: 5 / 6 where the label applies, 1 / 6 elsewhere.
    assert learned.probability(np.ones(1, np.float32)) == pytest.approx(5 / 6, abs=0.02)
    assert -1 < learned.thresholds[0] < 1


def test_left_out_scores_are_those_of_a_fit_without_the_sound():
    # A threshold is set just above the left-out score of the other sound that comes nearest. The
    # same sound, given to a fit that never saw it, gets the same score.
    examples, _, others, _ = world(2, labels=1)
    others = others[:40]
    learned = fit(examples, others, false_alarm=1e-9)
    cosines = []
    for number in range(len(others)):
        rest = np.delete(others, number, axis=0)
        once = fit(examples, rest, false_alarm=1e-9)
        cosines.append(float(others[number] @ once.embeddings[0]))
    nearest = others[int(np.argmax(cosines))] @ learned.embeddings[0]
    # In the fit that saw it, it is pushed away from the label, below the threshold that it set.
    assert nearest < learned.thresholds[0] < max(cosines) + 0.05


def test_the_order_of_labels_and_examples_does_not_matter():
    examples, _, others, _ = world(3)
    one = fit(examples, others)
    turned = {label: rows[::-1] for label, rows in reversed(examples.items())}
    other = fit(turned, others[::-1])
    assert other.labels == one.labels[::-1]
    assert np.allclose(one.embeddings, other.embeddings[::-1], atol=1e-5)
    assert np.allclose(one.thresholds, other.thresholds[::-1], atol=1e-5)
    assert np.allclose(one.scale, other.scale[::-1], rtol=1e-3)


def test_a_label_that_cannot_be_told_apart_scores_even_odds():
    _, _, others, unseen = world(4)
    # Both halves of the same sounds: what is learned from one half speaks against the other.
    pairs = np.concatenate([unseen[:4], -unseen[:4]])
    learned = fit({"anything": list(pairs)}, np.concatenate([others, -others]))
    scores = learned.probability(np.array([0.2], np.float32))
    assert 0.3 < scores[0] < 0.7
    assert learned.scale[0] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"examples": {}}, "the list of labels is empty"),
        ({"examples": {" ": [np.ones(DIM, np.float32)] * 3}}, "label 1 is blank"),
        ({"examples": {"bell": [np.ones(DIM, np.float32)]}}, "'bell' has 1 recordings; give at le"),
        ({"others": np.zeros((3, DIM), np.float32)}, "3 other sounds .* give recordings of other"),
        ({"false_alarm": 0.0}, "false_alarm is 0; it must be between 0 and 1"),
        ({"false_alarm": float("nan")}, "false_alarm is nan"),
    ],
)
def test_what_cannot_be_learned_is_refused(change, message):
    examples, _, others, _ = world(5)
    given_ = {"examples": examples, "others": others} | change
    with pytest.raises(ConfigError, match=message):
        fit(given_.pop("examples"), given_.pop("others"), **given_)
