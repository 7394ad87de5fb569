"""Speech redaction, measured: who speaks and what is said cannot be told from what is kept."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tinyalm
from tests.fakes import RATE, make_bundle, tone
from tinyalm.errors import ConfigError
from tinyalm.index.quantization import to_float
from tinyalm.policy import Policy, PolicyError
from tinyalm.policy.rules import TASKS
from tinyalm.policy.speech import SpeechRedaction
from tinyalm.results import WindowEmbeddings

HELD_OUT = 4  # renditions from it on test the probe
ALONE = 99


@pytest.fixture(scope="module")
def voices():
    """What micro hears of synthesised voices; see `make_voices`."""
    with np.load(Path(__file__).with_name("voices.npz")) as file:
        data = dict(file)
    manifest = tinyalm.load().manifest
    if data["audio_sha256"] != manifest.files[manifest.audio.file].sha256:
        pytest.skip("voices.npz was made by another student; run tests/policy/make_voices.py")
    data["rows"] = to_float(data["embeddings"])
    return data


@pytest.fixture(scope="module")
def redaction():
    """Makes a redaction by rules, of the shipped student."""
    labels = tinyalm.load().embed_labels()
    return lambda *rules: SpeechRedaction(labels.labels, lambda: labels.embeddings, rules)


def stored(redaction, rows):
    """What is stored of windows, and which of them anything is stored of."""
    times = np.arange(len(rows), dtype=float)
    left = redaction.stored(WindowEmbeddings(times, times + 1, rows))
    if left is None:
        return np.zeros((0, rows.shape[1]), np.float32), np.zeros(len(rows), bool)
    return left.embeddings, np.isin(times, left.start_s)


def told(rows, classes, test):
    """Share of the test rows whose class a linear probe tells that was trained on the others.

    Ridge regression onto the classes, each weighing the same in fit and share, since more may be
    kept of one than of another; the best of three penalties, which favours the attacker.
    """
    mean, spread = rows[~test].mean(axis=0), rows[~test].std(axis=0) + 1e-6
    scaled, wanted = (rows - mean) / spread, np.eye(10)[classes]
    each = (len(rows) / 10 / np.maximum(wanted[~test].sum(axis=0), 1))[classes[~test]][:, None]
    middle = (wanted[~test] * each).sum(axis=0) / each.sum()
    weighed = (scaled[~test] * each).T
    scatter, cross = weighed @ scaled[~test], weighed @ (wanted[~test] - middle)
    shares = []
    for ridge in (30, 300, 3000):
        weights = np.linalg.solve(scatter + ridge * np.eye(len(scatter)), cross)
        right = (scaled @ weights + middle).argmax(axis=1)[test] == classes[test]
        shares.append(np.mean([right[classes[test] == one].mean() for one in np.unique(classes)]))
    return max(shares)


def chance(classes):
    return 1 / len(np.unique(classes))


class Answers:
    """An audio side that answers to windows with the given rows, one by one, whatever it hears."""

    batch_size = 4

    def __init__(self, rows):
        self.rows = iter(rows)

    def __call__(self, _):
        return next(self.rows)

    def batch(self, waveforms):
        return np.stack([next(self.rows) for _ in waveforms])


@pytest.mark.parametrize("what", ["speaker", "word"])
def test_without_redaction_a_probe_tells(voices, what):
    alone = voices["snr"] == ALONE
    test = voices["rendition"][alone] >= HELD_OUT
    assert told(voices["rows"][alone], voices[what][alone], test) > 3 * chance(voices[what])


@pytest.mark.parametrize("what", ["speaker", "word"])
def test_projected_windows_tell_next_to_nothing(voices, redaction, what):
    rows, kept = stored(redaction("project"), voices["rows"])
    assert kept.mean() > 0.3
    test = voices["rendition"][kept] >= HELD_OUT
    classes = voices[what][kept]
    assert told(rows, classes, test) <= chance(classes) + 0.05


@pytest.mark.parametrize("rule", ["project", "drop", "refuse"])
def test_of_voices_alone_next_to_nothing_is_kept(voices, redaction, rule):
    _, kept = stored(redaction(rule), voices["rows"][voices["snr"] == ALONE])
    assert kept.mean() <= 0.04  # so that no more than that can be told better than by chance


@pytest.mark.parametrize(("rule", "least"), [("project", 0.9), ("drop", 0.95)])
def test_other_sounds_are_kept(voices, redaction, rule, least):
    rows = to_float(voices["background"])
    left, kept = stored(redaction(rule), rows)
    assert kept.mean() >= least
    if rule == "drop":
        assert np.array_equal(left, rows[kept])


def test_an_index_stores_what_is_left(voices, tmp_path, monkeypatch):
    speech = voices["rows"][voices["snr"] == ALONE][:6]
    sound = to_float(voices["background"])[:1]
    heard = Answers([*speech, *sound] * 2)
    for rule, most in (("drop", 1), ("keep", 7)):
        model = tinyalm.load(policy=Policy(tasks=TASKS, speech=rule))
        monkeypatch.setattr(model, "_audio", heard)
        file = tmp_path / "a.wav"
        length, hop = model.manifest.windows.length_s, model.manifest.windows.hop_s
        seconds = length + 6 * hop
        soundfile.write(file, np.ones(round(seconds * RATE), "f4") * 0.1, RATE)
        with model.index(tmp_path / f"{rule}.db") as index:
            assert index.add(file) == "added"
            assert index.info().segments <= most
            assert index.info().seconds == pytest.approx(seconds)
            assert index.add(file) == "unchanged"


def test_refused_speech_is_not_answered_for(voices, tmp_path, monkeypatch):
    model = tinyalm.load(policy=Policy(tasks=TASKS, speech="refuse"))
    row = voices["rows"][voices["snr"] == ALONE][0]
    assert model._speech.dominant(row[None])[0]
    monkeypatch.setattr(model, "_audio", Answers(itertools.repeat(row)))
    sound = tone(250, 3)
    for ask in (
        lambda: model.tag(sound, sample_rate=RATE),
        lambda: model.embed_audio(sound, RATE),
        lambda: model.learn({"x": [sound, sound]}, sample_rate=RATE),
    ):
        with pytest.raises(PolicyError, match="the recording is speech"):
            ask()
    assert list(model.listen(sound, sample_rate=RATE)) == []
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    with model.index(tmp_path / "a.db") as index:
        assert index.add(tmp_path / "a.wav") == "added"
        assert index.info().segments == 0
        assert index.search("dog barking") == []


def test_a_bundle_that_cannot_tell_speech_does_not_pretend_to(tmp_path):
    for labels in (["hum", "buzz"], ["Speech", "Singing"]):
        path = make_bundle(tmp_path / f"{labels[0]}.tinyalm", labels=labels)
        tinyalm.load(path)
        with pytest.raises(ConfigError, match="no label of speech"):
            tinyalm.load(path, policy=Policy(tasks=TASKS, speech="drop"))
