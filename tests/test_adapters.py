import hashlib
import re

import msgspec
import numpy as np
import pytest

import tinyalm
from tests.fakes import DIM, FILLERS, RATE, WORDS, graph_info, make_bundle, tone
from tests.learning import make_learner, warble
from tinyalm.adapters import (
    EncoderInfo,
    LearnedLabels,
    ResidualMap,
    encoder_of,
    load_adapter,
    save_adapter,
)
from tinyalm.adapters.file import MAGIC
from tinyalm.background import background, read_background, write_background
from tinyalm.errors import AudioError, BundleError, ConfigError
from tinyalm.results import unit_length


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    return make_learner(tmp_path_factory.mktemp("learner") / "tones.tinyalm")


@pytest.fixture
def model(learner):
    return tinyalm.load(learner)


@pytest.fixture
def learned(model):
    learned = model.learn({"warble": [warble(seed) for seed in range(6)]}, sample_rate=RATE)
    model.detach()
    return learned


@pytest.fixture
def residual(model):
    """Exchanges hum and buzz, more or less."""
    down = np.zeros((2, DIM), np.float32)
    down[0, 0] = down[1, 1] = 3
    return ResidualMap(
        "swap", encoder_of(model.manifest), down, np.fliplr(np.eye(DIM, 2)).astype("f4")
    )


def test_a_learned_label_is_answered_beside_the_others(model):
    learned = model.learn({"warble": [warble(seed) for seed in range(6)]}, sample_rate=RATE)
    assert learned.labels == ["warble"]
    assert learned.examples == [6]
    tags = model.tag(warble(99), list(WORDS), sample_rate=RATE, top_k=20)
    assert tags[0].label == "warble"
    assert 0.5 < tags[0].score <= 1
    assert {tag.label for tag in tags} == {"warble", *WORDS}
    assert [tag.score for tag in tags] == sorted((tag.score for tag in tags), reverse=True)
    assert tags.segments[0].tags[0].label == "warble"


def test_none_of_these_is_no_answer(model):
    model.learn({"warble": [warble(seed) for seed in range(6)]}, sample_rate=RATE)
    for hz in (500, 1000, 5000):
        tags = model.tag(tone(hz, 2), ["warble"], sample_rate=RATE)
        assert list(tags) == []
        assert tags.segments[0].tags == []


def test_it_is_answered_where_it_is_heard(model):
    model.learn({"warble": [warble(seed) for seed in range(6)]}, sample_rate=RATE)
    street = np.concatenate([tone(5000, 4), warble(50), tone(5000, 4)])
    tags = model.tag(street, ["hiss"], sample_rate=RATE)
    heard = {s.start for s in tags.segments if "warble" in {tag.label for tag in s.tags}}
    assert heard == {4.0}


def test_undone_it_answers_bit_for_bit_as_before(model, learned, residual):
    street = np.concatenate([tone(250, 3), warble(7)])
    before = model.tag(street, WORDS, sample_rate=RATE, top_k=8)
    windows = model.embed_windows(street, RATE)
    model.attach(learned)
    model.attach(residual)
    assert model.tag(street, WORDS, sample_rate=RATE, top_k=9) != before
    model.detach("swap")
    model.detach("learned")
    assert model.tag(street, WORDS, sample_rate=RATE, top_k=8) == before
    after = model.embed_windows(street, RATE)
    assert np.array_equal(after.embeddings, windows.embeddings)
    assert np.array_equal(after.clip, windows.clip)
    assert after.unadapted is None


def test_a_set_replaces_the_one_of_its_name(model):
    bells = {"bell": [tone(500, 1 + n / 10) for n in range(4)]}
    horns = {"horn of mine": [tone(1000, 1 + n / 10) for n in range(4)]}
    model.learn(bells, name="home", sample_rate=RATE)
    model.learn(horns, name="home", sample_rate=RATE)
    tags = model.tag(tone(1000, 2), ["hum"], sample_rate=RATE)
    assert {tag.label for tag in tags} <= {"hum", "horn of mine"}
    model.learn(bells, name="other", sample_rate=RATE)
    with pytest.raises(ConfigError, match=r"label 'bell' of 'third' is in 'other'"):
        model.learn(bells, name="third", sample_rate=RATE)
    with pytest.raises(ConfigError, match=r"no adapter 'x' is attached; .*'home', 'other'"):
        model.detach("x")


def test_a_learned_label_takes_the_place_of_the_text(model):
    examples = {"hum": [tone(250, 1 + n / 10) for n in range(5)]}
    learned = model.learn(examples, sample_rate=RATE, others=[tone(5000, 2)])
    tags = model.tag(tone(250, 2), learned.labels, sample_rate=RATE)
    assert [tag.label for tag in tags] in (["hum"], [])
    assert model.embed_labels(["hum", "buzz"]).labels == ["buzz"]


def test_without_text_and_background_others_must_be_given(tmp_path):
    model = tinyalm.load(make_bundle(tmp_path / "deaf.tinyalm", text=None, labels=[]))
    examples = {"warble": [warble(seed) for seed in range(5)]}
    with pytest.raises(ConfigError, match="the bundle has no background; give recordings of other"):
        model.learn(examples, sample_rate=RATE)
    pairs = [("buzz", "horn"), ("beep", "hiss"), ("hum", "buzz"), ("horn", "chirp"), ("squeak",)]
    others = [warble(seed, words) for seed in range(6) for words in pairs]
    model.learn(examples, sample_rate=RATE, others=others)
    assert [tag.label for tag in model.tag(warble(9), sample_rate=RATE)] == ["warble"]
    model.detach()
    with pytest.raises(ConfigError, match="no labels of its own"):
        model.tag(warble(9), sample_rate=RATE)


def test_without_a_background_the_labels_texts_serve(tmp_path):
    model = tinyalm.load(make_bundle(tmp_path / "t.tinyalm", labels=[*WORDS, *FILLERS]))
    model.learn({"warble": [warble(seed) for seed in range(6)]}, sample_rate=RATE)
    assert "warble" in [tag.label for tag in model.tag(warble(9), sample_rate=RATE)]


def test_bad_examples_are_refused_and_nothing_is_attached(model):
    before = model.tag(tone(250, 2), sample_rate=RATE)
    with pytest.raises(ConfigError, match=r"'bell\.wav' is not a list; give"):
        model.learn({"bell": "bell.wav"})
    with pytest.raises(AudioError, match=r"none\.wav"):
        model.learn({"bell": ["none.wav"] * 5})
    with pytest.raises(ConfigError, match="'bell' has 0 recordings"):
        model.learn({"bell": []})
    assert model.tag(tone(250, 2), sample_rate=RATE) == before


def test_a_residual_map_by_hand(model, residual):
    # relu(down @ e) is 3 times (e0, e1), and up adds them crosswise.
    rows = unit_length(np.array([[0.6, 0.8] + [0] * 6, [0.6, -0.8] + [0] * 6], np.float32))
    moved = residual(rows)
    first = np.array([0.6 + 3 * 0.8, 0.8 + 3 * 0.6] + [0] * 6)
    second = np.array([0.6, -0.8 + 3 * 0.6] + [0] * 6)
    expected = np.stack([first / np.linalg.norm(first), second / np.linalg.norm(second)])
    assert np.allclose(moved, expected, atol=1e-6)
    model.attach(residual)
    assert model.tag(tone(250, 2), WORDS, sample_rate=RATE)[0].label == "buzz"
    windows = model.embed_windows(tone(250, 2), RATE)
    assert np.array_equal(windows.embeddings, residual(windows.heard))


def test_learned_labels_do_not_feel_a_residual_map(model, learned, residual):
    model.attach(learned)
    alone = model.tag(warble(9), ["warble"], sample_rate=RATE)
    model.attach(residual)
    assert model.tag(warble(9), ["warble"], sample_rate=RATE) == alone
    assert model.learn({"warble": [warble(s) for s in range(6)]}, sample_rate=RATE).bias == (
        pytest.approx(learned.bias)
    )


def test_files_hold_what_was_saved(model, learned, residual, tmp_path):
    for adapter in (learned, residual):
        save_adapter(adapter, tmp_path / "x.adapter")
        again = load_adapter(tmp_path / "x.adapter")
        assert type(again) is type(adapter)
        for field in adapter.__dataclass_fields__:
            assert np.array_equal(getattr(again, field), getattr(adapter, field))
        model.attach(tmp_path / "x.adapter")
    assert [file.name for file in tmp_path.iterdir()] == ["x.adapter"]
    assert (tmp_path / "x.adapter").stat().st_size < 2000


def test_an_adapter_of_another_encoder_is_refused_by_both_names(learned, tmp_path):
    audio = graph_info("audio.onnx", [("waveform", "float32", ["batch", "samples"])])
    other = make_bundle(tmp_path / "other.tinyalm", name="other", audio=audio)
    (other / "audio.onnx").write_bytes((other / "audio.onnx").read_bytes())
    foreign = EncoderInfo(bundle="whale", audio_sha256="ab" * 32, embedding_dim=DIM)
    fields = {name: getattr(learned, name) for name in learned.__dataclass_fields__}
    alien = LearnedLabels(**(fields | {"encoder": foreign}))
    save_adapter(alien, tmp_path / "alien.adapter")
    with pytest.raises(
        BundleError,
        match=r"made on 'whale' \(audio abababababab.*this is 'other' \(audio [0-9a-f]{12}",
    ):
        tinyalm.load(other).attach(tmp_path / "alien.adapter")


@pytest.fixture
def file(learned, tmp_path):
    save_adapter(learned, tmp_path / "a.adapter")
    return tmp_path / "a.adapter"


def test_any_altered_or_missing_byte_is_found(file):
    whole = file.read_bytes()
    for length in (*range(0, len(whole), 7), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BundleError, match=re.escape(str(file))):
            load_adapter(file)
    for at in range(0, len(whole), 5):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(BundleError, match=re.escape(str(file))):
            load_adapter(file)
    file.write_bytes(whole + b"x")
    with pytest.raises(BundleError, match="wrong hash"):
        load_adapter(file)


def forge(file, header=None, body=None, size=None):
    """Change header fields or the arrays and hash anew, as whoever means harm would."""
    raw = file.read_bytes()[:-32]
    start = len(MAGIC) + 4
    length = int.from_bytes(raw[len(MAGIC) : start], "little")
    fields = msgspec.json.decode(raw[start : start + length])
    text = header if isinstance(header, bytes) else msgspec.json.encode(fields | (header or {}))
    body = raw[start + length :] if body is None else body
    size = len(text) if size is None else size
    content = MAGIC + size.to_bytes(4, "little") + text + body
    file.write_bytes(content + hashlib.sha256(content).digest())


ONE = {"name": "embeddings", "shape": [1, DIM]}


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        ({"header": b"[]"}, "not an adapter's header"),
        ({"header": b"\xff\xfe"}, "not an adapter's header"),
        ({"header": {"surprise": 1}}, "not an adapter's header .*surprise"),
        ({"header": {"format_version": 2}}, "adapter version 2, .* reads 1; update tinyalm"),
        ({"header": {"format_version": 0}}, "adapter version 0, .* reads 1; make the adapter"),
        ({"header": {"learned": None}}, "not one of a learned set and a residual map"),
        ({"header": {"arrays": [ONE]}}, "bytes that belong to no array"),
        ({"header": {"arrays": [ONE]}, "body": bytes(4 * DIM)}, "arrays are"),
        ({"header": {"arrays": [ONE | {"shape": [10**9, DIM]}]}}, "longer than the file"),
        ({"header": {"arrays": [ONE | {"shape": [-1, -8]}]}}, "negative size"),
        ({"body": np.full(DIM + 3, np.nan, "<f4").tobytes()}, "numbers not finite"),
        ({"body": np.zeros(DIM + 3, "<f4").tobytes()}, "not of length 1"),
        ({"size": 2**32 - 1}, "not an adapter's header"),
    ],
)
def test_forged_files_are_refused(file, forged, message):
    forge(file, **forged)
    with pytest.raises(BundleError, match=message):
        load_adapter(file)


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(BundleError, match=r"none\.adapter: the adapter cannot be read"):
        load_adapter(tmp_path / "none.adapter")
    with pytest.raises(BundleError, match="the adapter cannot be read"):
        load_adapter(tmp_path)


def test_a_background_keeps_directions(tmp_path):
    rows = unit_length(np.random.default_rng(0).normal(size=(50, DIM)).astype(np.float32))
    write_background(tmp_path, rows)
    again = read_background(tmp_path / "background.npy", DIM)
    assert again.shape == rows.shape
    assert (again * rows).sum(axis=1).min() > 0.999
    assert background(rows).dtype == np.int8
    assert np.load(tmp_path / "background.npy").nbytes == 50 * DIM


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\x01\x00", np.zeros((3, DIM)), np.zeros((3, 5), np.int8)]
)
def test_a_background_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "background.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(BundleError, match=r"background\.npy: not .*; export the bundle again"):
        read_background(path, DIM)
