from dataclasses import replace

import numpy as np
import pytest

import tinyalm
from tests.fakes import DIM, RATE, WORDS, fill, make_bundle, tone
from tinyalm.bundle import BundleManifest, read_bundle, write_bundle
from tinyalm.errors import BundleError, ConfigError
from tinyalm.label_pack import LabelPack, read_label_pack, write_label_pack


def random_pack(count=40, dim=384, **fields):
    rows = np.random.default_rng(0).normal(size=(count, dim)).astype("f4")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = [f"Türklingel {i}" for i in range(count)]
    given = {"labels": names, "template": "a {}", "embeddings": rows}
    return LabelPack(**(given | {"teacher": "tones", "tower": "teacher"} | fields))


@pytest.fixture(scope="module")
def words(model):
    """The vectors of all words of the fake bundle."""
    found = model.embed_labels(WORDS)
    return LabelPack(
        labels=found.labels,
        template="{}",
        embeddings=found.embeddings,
        teacher="tones",
        tower="student tones",
    )


@pytest.fixture
def mute(tmp_path, words):
    """A bundle without a text side that carries the pack of its labels."""

    def also_pack(folder):
        fill(folder)
        write_label_pack(folder / "default.labels", words)

    manifest = read_bundle(make_bundle(tmp_path / "t.tinyalm", text=None))
    fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    carried = BundleManifest(**(fields | {"label_pack": "default.labels"}))
    write_bundle(tmp_path / "mute.tinyalm", carried, also_pack)
    return tinyalm.load(tmp_path / "mute.tinyalm")


def test_what_is_written_is_read(tmp_path):
    pack = random_pack(thresholds=np.linspace(-1, 1, 40, dtype="f4"))
    write_label_pack(tmp_path / "a.labels", pack)
    again = read_label_pack(tmp_path / "a.labels")
    for name in ("labels", "template", "teacher", "tower"):
        assert getattr(again, name) == getattr(pack, name)
    assert np.array_equal(again.thresholds, pack.thresholds)
    assert again.embeddings.dtype == np.float32
    assert (again.embeddings * pack.embeddings).sum(axis=1).min() > 0.9999
    assert np.allclose(np.linalg.norm(again.embeddings, axis=1), 1, atol=1e-6)
    assert (tmp_path / "a.labels").stat().st_size < 40 * (384 + 40) + 300


def test_the_same_pack_is_the_same_file(tmp_path):
    for name in "ab":
        write_label_pack(tmp_path / name, random_pack())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_altered_byte_is_found(tmp_path):
    write_label_pack(tmp_path / "a.labels", random_pack(2, 8))
    whole = (tmp_path / "a.labels").read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        (tmp_path / "a.labels").write_bytes(changed)
        with pytest.raises(ConfigError, match=r"a\.labels: .*make it again"):
            read_label_pack(tmp_path / "a.labels")


@pytest.mark.parametrize("length", [0, 10, 17, 60, -1])
def test_a_cut_file_is_refused(tmp_path, length):
    write_label_pack(tmp_path / "a.labels", random_pack(2, 8))
    whole = (tmp_path / "a.labels").read_bytes()
    (tmp_path / "a.labels").write_bytes(whole[:length])
    with pytest.raises(ConfigError, match=r"a\.labels: .*make it again"):
        read_label_pack(tmp_path / "a.labels")


def test_what_is_no_pack_is_named(tmp_path):
    (tmp_path / "list.txt").write_text("rain\nwind\n")
    with pytest.raises(ConfigError, match=r"list\.txt: no label pack; make it again"):
        read_label_pack(tmp_path / "list.txt")
    (tmp_path / "new.labels").write_bytes(b"tinyalm labels 2\n{}\n")
    with pytest.raises(ConfigError, match=r"new\.labels: .*another version; update tinyalm"):
        read_label_pack(tmp_path / "new.labels")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_label_pack(tmp_path / "none.labels")


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": ["a", "b"]},
        {"thresholds": np.zeros(3, "f4")},
        {"labels": ["a"] * 40},
        {"template": "no place"},
    ],
    ids=["labels", "thresholds", "double", "template"],
)
def test_packs_that_make_no_sense_are_not_written(tmp_path, fields):
    with pytest.raises(ConfigError):
        write_label_pack(tmp_path / "a.labels", random_pack(**fields))
    assert not list(tmp_path.iterdir())


def test_a_student_tags_with_a_pack(model, words):
    sound = tone(5000, 3)
    expected = model.tag(sound, WORDS, sample_rate=RATE)
    assert model.tag(sound, words, sample_rate=RATE).to_dict() == expected.to_dict()


def test_a_bundle_without_text_tags_with_its_pack(mute, model):
    sound = tone(5000, 3)
    assert mute.tag(sound, sample_rate=RATE).to_dict().keys()
    tags = mute.tag(sound, ["hiss", "hum"], sample_rate=RATE)
    assert [tag.label for tag in tags] == ["hiss", "hum"]
    assert tags[0].similarity == pytest.approx(
        model.tag(sound, ["hiss"], sample_rate=RATE)[0].similarity, abs=0.01
    )
    with pytest.raises(ConfigError, match="does not hold 'thunder'"):
        mute.tag(sound, ["hum", "thunder"], sample_rate=RATE)
    with pytest.raises(BundleError, match="no text side"):
        mute.tag(sound, ["hum"], sample_rate=RATE, template="a {}")


def test_the_bundles_labels_come_from_its_pack(mute):
    assert mute.embed_labels().labels == list(WORDS[:4]) == mute.manifest.labels


def test_a_pack_of_another_space_is_refused(model, words):
    with pytest.raises(ConfigError, match="in the space of horns"):
        model.embed_labels(replace(words, teacher="horns"))
    with pytest.raises(ConfigError, match=rf"\(7 numbers\), .* \({DIM}\)"):
        model.embed_labels(replace(words, embeddings=words.embeddings[:, :7]))


def test_labels_below_their_thresholds_are_not_answered(model, words):
    strict = np.full(len(WORDS), 2, np.float32)
    strict[WORDS.index("hiss")] = 0.9
    tags = model.tag(tone(5000, 3), replace(words, thresholds=strict), sample_rate=RATE)
    assert [tag.label for tag in tags] == ["hiss"]
    tags = model.tag(tone(250, 3), replace(words, thresholds=strict), sample_rate=RATE)
    assert len(tags) == 0
    assert all(not segment.tags for segment in tags.segments)
