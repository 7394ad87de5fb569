import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import tinyalm
from tests.fakes import RATE, WORDS, make_bundle, tone
from tests.learning import make_learner
from tinyalm.adapters import load_adapter
from tinyalm.errors import ConfigError, DataError
from tinyalm_distill.adaptation import AdaptConfig, adapt, background_of, change, hear
from tinyalm_distill.commands.adapt import adapt as command
from tinyalm_distill.commands.background import background as put_background
from tinyalm_distill.manifest import read_clips

# In the new domain two tones have come to mean other words.
MEANING = {1000: "hum", 2000: "hiss", 4000: "buzz"}


def write_manifest(folder: Path, meaning: dict[int, str], each: int = 10) -> Path:
    folder.mkdir()
    rows = [["file", "label", "split"]]
    for hz, word in meaning.items():
        for number in range(each):
            name = f"{hz}-{number}.wav"
            wave = tone(hz, 1 + number / 10) + 0.02 * tone(300 + 20 * number, 1 + number / 10)
            soundfile.write(folder / name, wave, RATE)
            rows.append([name, word, "dev" if number % 2 else "train"])
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A bundle, clips of a new domain, and clips of other tones that mean what they meant."""
    place = tmp_path_factory.mktemp("place")
    make_learner(place / "tones.tinyalm")
    write_manifest(place / "domain", MEANING)
    write_manifest(place / "kept", {250: "hum", 5000: "hiss", 6000: "squeak"})
    return place


@pytest.fixture(scope="module")
def model(place):
    return tinyalm.load(place / "tones.tinyalm")


@pytest.fixture(scope="module")
def sounds(place, model):
    def of(manifest, split):
        clips = read_clips(str(place / manifest / "manifest.csv"), split)
        return hear(model, clips)

    return {(m, s): of(m, s) for m in ("domain", "kept") for s in ("train", "dev")}


def test_it_learns_the_domain_and_keeps_the_rest(model, sounds):
    still = sounds["kept", "train"].windows
    residual = adapt(model, sounds["domain", "train"], still, AdaptConfig(), name="x")
    new = change(model, sounds["domain", "dev"], residual)
    assert (new.clips, new.labels) == (15, 3)
    assert new.before.value < 0.4
    assert new.after.value > 0.9
    old = change(model, sounds["kept", "dev"], residual)
    assert old.before.value == old.after.value == 1
    assert old.cosine > 0.95


def test_without_the_term_that_keeps_them_other_sounds_move(model, sounds):
    train, kept = sounds["domain", "train"], sounds["kept", "train"].windows
    cosines = []
    for weight in (0.0, 10.0):
        residual = adapt(model, train, kept, AdaptConfig(keep=weight), name="x")
        cosines.append(change(model, sounds["kept", "dev"], residual).cosine)
    assert cosines[0] < cosines[1] - 0.01


def test_the_device_hears_what_was_measured(model, place, sounds):
    residual = adapt(
        model, sounds["domain", "train"], background_of(model, place / "tones.tinyalm"),
        AdaptConfig(), name="x",
    )  # fmt: skip
    held_out = sounds["domain", "dev"]
    model.attach(residual)
    heard = model.embed_audio([clip.file for clip in held_out.clips])
    tags = model.tag(held_out.clips[0].file, sorted(MEANING.values()))
    model.detach()
    assert np.allclose(heard, held_out.pooled(residual), atol=1e-5)
    assert tags[0].label == held_out.clips[0].labels[0]


def test_the_same_seed_is_the_same_map(model, sounds):
    train, kept = sounds["domain", "train"], sounds["kept", "train"].windows
    config = AdaptConfig(rank=2, steps=5)
    one, other = (adapt(model, train, kept, config, name="x") for _ in range(2))
    assert np.array_equal(one.up, other.up)
    assert np.array_equal(one.down, other.down)


def test_what_cannot_be_trained_is_refused(model, place, sounds):
    train = sounds["domain", "train"]
    alone = hear(model, train.clips[:1])
    with pytest.raises(ConfigError, match="1 labels to tell apart, and at least 2 are needed"):
        adapt(model, alone, train.windows, AdaptConfig(), name="x")
    with pytest.raises(ConfigError, match="rank and steps must be 1 or more"):
        adapt(model, train, train.windows, AdaptConfig(rank=0), name="x")
    (place / "broken.wav").write_bytes(b"no sound")
    clips = read_clips(str(place / "domain"))[:1]
    broken = type(clips[0])(file=place / "broken.wav", labels=("hum",))
    assert len(hear(model, [clips[0], broken]).skipped) == 1
    with pytest.raises(DataError, match=r"none of the 1 clips can be used; .*broken\.wav"):
        hear(model, [broken])


def test_the_command_writes_an_adapter_and_says_what_it_does(place, tmp_path):
    out = tmp_path / "domain.adapter"
    arguments = [place / "tones.tinyalm", place / "domain" / "manifest.csv", "--out", out]
    options = ["--keep", place / "kept" / "manifest.csv", "--rank", 16]
    done = CliRunner().invoke(command, [str(part) for part in [*arguments, *options]])
    assert done.exit_code == 0, done.output
    assert "domain: top-1 0." in done.stdout
    assert "-> 1.000" in done.stdout
    assert "kept: top-1 1.000 [1.000, 1.000] -> 1.000" in done.stdout
    residual = load_adapter(out)
    assert residual.metrics["kept_after"] == 1
    assert residual.down.shape == (16, len(WORDS))
    done = CliRunner().invoke(command, [str(part) for part in [*arguments, "--json"]])
    assert json.loads(done.stdout.splitlines()[-1])["domain"]["labels"] == 3


def test_a_manifest_without_labels_is_refused(place):
    arguments = [place / "tones.tinyalm", place / "domain", "--out", place / "x"]
    done = CliRunner().invoke(command, [str(part) for part in arguments])
    assert isinstance(done.exception, ConfigError)
    assert "no labels (column 'label')" in str(done.exception)


def test_a_background_is_put_into_a_bundle(place, tmp_path):
    bundle = make_bundle(tmp_path / "bare.tinyalm")
    before = tinyalm.load(bundle)
    manifest = place / "domain" / "manifest.csv"
    arguments = [str(bundle), str(manifest), "--split", "train"]
    done = CliRunner().invoke(put_background, arguments)
    assert done.exit_code == 0, done.output
    assert "15 sounds" in done.stdout
    model = tinyalm.load(bundle)
    rows = background_of(model, bundle)
    clips = [clip.file for clip in read_clips(str(manifest), "train")]
    # Every row is one of the clips, each once.
    assert np.allclose((rows @ model.embed_audio(clips).T).max(axis=1), 1, atol=1e-3)
    assert len(rows) == len(clips)
    assert set(model.manifest.files) == {*before.manifest.files, "background.npy"}
    assert CliRunner().invoke(put_background, arguments).exit_code == 0
