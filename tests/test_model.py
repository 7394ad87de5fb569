from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import soundfile

import tinyalm
from tests.fakes import (
    DIM,
    FILLERS,
    RATE,
    TONES,
    WORDS,
    graph_info,
    make_bundle,
    tone,
    write_tone,
)
from tinyalm.bundle import Calibration, TensorInfo
from tinyalm.errors import AudioError, BundleError, ConfigError
from tinyalm.results import WindowEmbeddings, unit_length
from tinyalm.scoring import probability


@pytest.fixture
def street(tmp_path):
    """Five seconds of hum, then five of hiss."""
    samples = np.concatenate([tone(250, 5), tone(5000, 5)])
    soundfile.write(tmp_path / "street.wav", samples, RATE, "FLOAT")
    return tmp_path / "street.wav"


@pytest.fixture
def recordings():
    """Recordings of many lengths, one for each word."""
    return [tone(hz, 0.4 + 0.9 * i) for i, hz in enumerate(TONES)]


def test_what_is_heard_is_named_and_where(model, street):
    tags = model.tag(street, WORDS, top_k=3)
    assert len(tags) == len(tags.tags) == 3
    assert {tags[0]["label"], tags[1].label} == {"hum", "hiss"}
    assert tags.duration == 10
    when = {tag.label: (tag.start, tag.end) for tag in tags}
    assert when["hum"] == (0, 2)
    assert when["hiss"] == (5, 7)
    assert [(s.start, s.end) for s in tags.segments] == [(i, i + 2) for i in range(9)]
    heard = [segment.tags[0].label for segment in tags.segments]
    assert heard[:4] == ["hum"] * 4
    assert heard[5:] == ["hiss"] * 4


def test_a_score_is_the_calibrated_cosine(model, street):
    for tag in model.tag(street, WORDS):
        expected = 1 / (1 + np.exp(-(10 * tag.similarity - 5)))
        assert tag.score == pytest.approx(expected)
    best = model.tag(street, WORDS, top_k=len(WORDS)).tags
    assert all(a.similarity >= b.similarity and a.score >= b.score for a, b in pairwise(best))


def test_without_calibration_a_score_is_the_cosine_cut_at_zero(tmp_path, street):
    model = tinyalm.load(make_bundle(tmp_path / "b.tinyalm", calibration=None))
    tags = model.tag(street, [*WORDS, *FILLERS], top_k=200)
    assert len(tags) == len(WORDS) + len(FILLERS)
    assert all(tag.score == max(tag.similarity, 0) for tag in tags)
    assert tags[-1].similarity < 0 == tags[-1].score


def test_extreme_calibrations_neither_overflow_nor_warn():
    cosines = np.array([-1, 0, 1], np.float32)
    scores = probability(cosines, Calibration(scale=1e6, bias=0, pairs=1))
    assert scores.tolist() == [0, 0.5, 1]


def test_the_bundles_labels_are_the_default(model, street, tmp_path):
    assert {tag.label for tag in model.tag(street)} == set(model.manifest.labels)
    bare = tinyalm.load(make_bundle(tmp_path / "b.tinyalm", labels=[]))
    with pytest.raises(ConfigError, match="the bundle has no labels of its own; give some"):
        bare.tag(street)


def test_alone_in_a_batch_in_any_order_the_answer_is_the_same(model, recordings):
    alone = np.stack([model.embed_audio(x, RATE) for x in recordings])
    assert alone.shape == (len(recordings), DIM)
    assert alone.dtype == np.float32
    assert np.array_equal(alone, model.embed_audio(recordings, RATE))
    assert np.array_equal(alone[::-1], model.embed_audio(recordings[::-1], RATE))
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda x: model.embed_audio(x, RATE), recordings * 4))
    assert np.array_equal(np.tile(alone, (4, 1)), together)
    assert alone.argmax(axis=1).tolist() == list(range(DIM))


@pytest.mark.parametrize("frontend", ["graph", "auto"])
def test_a_window_alone_is_heard_as_in_its_recording(frontend):
    shipped = tinyalm.load(frontend=frontend)
    rate, rule = shipped.manifest.frontend.sample_rate, shipped.manifest.windows
    noise = np.random.default_rng(0).normal(0, 0.1, round(6.3 * rate)).astype(np.float32)
    together = shipped.embed_windows(noise, rate).embeddings
    windows = [window for _, _, window in rule.cut([noise], rate)]
    alone = [shipped.embed_windows(window, rate).embeddings[0] for window in windows]
    assert len(together) == 7
    assert np.array_equal(together, alone)


def test_two_threads_hear_what_one_hears(model, bundle, recordings):
    two = tinyalm.load(bundle, threads=2)
    one, other = model.embed_audio(recordings, RATE), two.embed_audio(recordings, RATE)
    assert np.allclose(one, other, atol=1e-6)


def test_a_file_and_its_samples_are_the_same_recording(model, street):
    samples, rate = soundfile.read(street, dtype="float32")
    assert np.array_equal(model.embed_audio(street), model.embed_audio(samples, rate))
    assert np.array_equal(model.embed_audio(str(street)), model.embed_audio([street])[0])


def test_other_rates_are_resampled(model, tmp_path):
    file = write_tone(tmp_path / "beep.wav", "beep", rate=44100)
    assert model.tag(file, WORDS)[0].label == "beep"


def test_windows_are_those_of_the_rule(model):
    windows = model.embed_windows(tone(250, 4.5), RATE)
    assert windows.start_s.tolist() == [0, 1, 2, 2.5]
    assert windows.end_s.tolist() == [2, 3, 4, 4.5]
    assert windows.duration == 4.5
    assert windows.embeddings.shape == (4, DIM)
    assert np.allclose(np.linalg.norm(windows.embeddings, axis=1), 1)
    assert np.allclose(windows.clip, unit_length(windows.embeddings.mean(axis=0)))


def test_embeddings_are_unit_length_float32(model, recordings):
    for rows in (model.embed_audio(recordings, RATE), model.embed_text(["hum", "n1 buzz"])):
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert model.embed_audio([]).shape == model.embed_text([]).shape == (0, DIM)
    assert model.embed_text("hum").shape == (DIM,)


@pytest.mark.parametrize("labels", [[], ["hum", "hum"], [""], "hum"])
def test_label_lists_that_make_no_sense_are_refused(model, street, labels):
    with pytest.raises(ConfigError, match="label"):
        model.tag(street, labels)


def test_top_k_below_one_is_refused(model, street):
    with pytest.raises(ConfigError, match="top_k is 0; it must be at least 1"):
        model.tag(street, WORDS, top_k=0)


def test_equal_labels_keep_their_order(model):
    windows = WindowEmbeddings(np.array([0.0]), np.array([1.0]), np.eye(DIM, dtype="f4")[:1])
    tags = model.score(windows, model.embed_labels(["buzz", "horn", "beep"]))
    assert [tag.label for tag in tags] == ["buzz", "horn", "beep"]


def test_a_silent_recording_is_refused(model):
    with pytest.raises(AudioError):
        model.embed_audio(np.zeros(RATE, np.float32), RATE)


def test_a_bundle_without_a_text_side_hears_but_does_not_read(tmp_path, street):
    model = tinyalm.load(make_bundle(tmp_path / "deaf.tinyalm", text=None))
    assert model.embed_audio(street).shape == (DIM,)
    with pytest.raises(BundleError, match=r"deaf.tinyalm: the bundle has no text side"):
        model.tag(street)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"embedding_dim": 7}, r"audio.onnx: does not answer with 7 finite numbers"),
        ({"outputs": "features"}, r"audio.onnx: does not answer with 8 finite numbers"),
        ({"inputs": "sound"}, r"audio.onnx: cannot be run \(.*sound"),
        ({"inputs": None}, r"audio.onnx: the manifest names no input"),
    ],
    ids=["dim", "output", "input", "no input"],
)
def test_a_manifest_that_does_not_fit_its_graph_is_refused(tmp_path, fields, message):
    shape = ["batch", "samples"]
    names = {"inputs": "waveform", "outputs": "embedding"} | fields
    info = {
        side: [TensorInfo(name=names[side], dtype="float32", shape=shape)] if names[side] else []
        for side in ("inputs", "outputs")
    }
    audio = graph_info("audio.onnx", [])
    audio = type(audio)(**{f: getattr(audio, f) for f in audio.__struct_fields__} | info)
    dim = fields.get("embedding_dim", DIM)
    bundle = make_bundle(tmp_path / "odd.tinyalm", audio=audio, embedding_dim=dim)
    with pytest.raises(BundleError, match=message):
        tinyalm.load(bundle).embed_audio(tone(250, 1), RATE)
