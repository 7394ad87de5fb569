"""Captions of recordings by a captioner that was taught eight words."""

import json
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

import tinyalm
from tests.captioners import bundle_with
from tests.fakes import DIM, RATE, TONES, WORDS, make_bundle, tone, write_tone
from tests.process import one_line
from tests.process import tinyalm as command
from tinyalm.bundle import MANIFEST, Calibration, read_bundle
from tinyalm.captioning.side import CaptionSide
from tinyalm.encoder import Encoder
from tinyalm.engine import engine
from tinyalm.errors import AudioError, BundleError, ConfigError
from tinyalm.policy import Policy, PolicyError
from tinyalm.results import WindowEmbeddings
from tinyalm.text_side import TextSide


@pytest.fixture(scope="module")
def model(bundle: Path) -> tinyalm.Model:
    return tinyalm.load(bundle)


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("style", ["full", "short"])
def test_a_recording_is_called_what_sounds_in_it(model, beam, style):
    said = model.caption(tone(TONES[2], 3.0), sample_rate=RATE, beam=beam, style=style)
    assert "horn" in said.text.split()
    assert said.confidence > 0.5
    assert said.duration == pytest.approx(3.0)
    kept = {word.text: word.support for word in said.segments[0].words if word.kept}
    assert kept["horn"] > 0.5


@pytest.mark.parametrize(("bias", "named"), [(-8.0, 2), (-13.0, 1)])
def test_two_sounds_at_once_are_both_named_where_both_are_likely(captioner, tmp_path, bias, named):
    path = bundle_with(
        tmp_path / "all.tinyalm",
        captioner,
        labels=list(WORDS),
        calibration=Calibration(scale=20.0, bias=bias, pairs=1),
    )
    sound = tone(TONES[1], 3.0) + tone(TONES[5], 3.0)
    said = tinyalm.load(path).caption(sound, sample_rate=RATE)
    assert len({"buzz", "chirp"} & set(said.text.replace(",", "").split())) == named


def test_one_sound_after_another_is_told_in_that_order(model):
    sound = np.concatenate([tone(TONES[1], 9.0), tone(TONES[5], 9.0)])
    said = model.caption(sound, sample_rate=RATE, style="short")
    assert said.text.startswith("first ")
    assert said.text.index("buzz") < said.text.index("chirp")
    assert [one.start for one in said.segments] == sorted(one.start for one in said.segments)
    assert said.segments[-1].end == pytest.approx(18.0)


def test_the_same_recording_has_the_same_caption_and_it_is_plain_data(model):
    sound = tone(TONES[4], 2.0)
    said = model.caption(sound, sample_rate=RATE)
    assert model.caption(sound, sample_rate=RATE) == said
    assert json.loads(json.dumps(said.to_dict()))["text"] == said.text == str(said)


def test_silence_is_refused_and_within_a_recording_nothing_recognisable(model):
    with pytest.raises(AudioError, match="silent"):
        model.caption(np.zeros(3 * RATE, np.float32), sample_rate=RATE)
    sound = np.concatenate([tone(TONES[2], 9.0), np.zeros(9 * RATE, np.float32)])
    said = model.caption(sound, sample_rate=RATE, style="short")
    assert said.text == "horn"
    assert said.segments[-1].text == ""
    assert said.segments[-1].confidence < 0.05


def test_windows_that_sound_like_silence_are_passed_over(bundle):
    manifest, onnx = read_bundle(bundle), engine("onnxruntime")
    text = TextSide(bundle, manifest, lambda info: Encoder(bundle, info, DIM, onnx, 1))
    side = CaptionSide(bundle, manifest, onnx, 1, text)
    rows = np.eye(DIM, dtype=np.float32)

    def said(*heard: int) -> str:
        at = np.arange(len(heard), dtype=np.float64)
        windows = WindowEmbeddings(at, at + 1, rows[list(heard)])
        return side.caption(windows, rows[7], beam=1, style="short").text

    assert said(7, 7) == "nothing recognisable"
    assert said(2, 7) == said(2, 2) == "horn"


def test_what_fits_no_caption_is_nothing_recognisable(bundle, captioner, tmp_path):
    calibration = Calibration(scale=10.0, bias=-50.0, pairs=1)  # a score of 0 for any cosine
    deaf = bundle_with(tmp_path / "deaf.tinyalm", captioner, calibration=calibration)
    said = tinyalm.load(deaf).caption(tone(TONES[2], 2.0), sample_rate=RATE)
    assert said.text == "nothing recognisable"
    assert said.confidence < 0.01


def test_a_tenth_of_a_second_is_captioned(model):
    assert model.caption(tone(TONES[0], 0.1), sample_rate=RATE).duration == pytest.approx(0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(model, value):
    sound = tone(TONES[0], 1.0)
    sound[100] = value
    with pytest.raises(AudioError):
        model.caption(sound, sample_rate=RATE)


@pytest.mark.parametrize("options", [{"beam": 0}, {"style": "long"}])
def test_options_that_make_no_sense_are_refused(model, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        model.caption(tone(TONES[0], 1.0), sample_rate=RATE, **options)


def test_a_bundle_without_a_captioner_says_so(tmp_path):
    plain = tinyalm.load(make_bundle(tmp_path / "plain.tinyalm"))
    with pytest.raises(BundleError, match=r"plain\.tinyalm: .*no captioner.*--captioner"):
        plain.caption(tone(TONES[0], 1.0), sample_rate=RATE)


def test_a_bundle_from_before_captioners_is_read(bundle, tmp_path):
    plain = make_bundle(tmp_path / "old.tinyalm")
    manifest = json.loads((plain / MANIFEST).read_bytes())
    del manifest["caption"]
    (plain / MANIFEST).write_text(json.dumps(manifest))
    assert read_bundle(plain).caption is None


def test_a_vocabulary_that_is_not_the_captioners_is_refused(captioner, tmp_path):
    # The text side's own file has other tokens.
    info = read_bundle(bundle_with(tmp_path / "a.tinyalm", captioner)).caption
    other = bundle_with(
        tmp_path / "b.tinyalm", captioner, caption=replace(info, tokenizer="tokenizer.json")
    )
    with pytest.raises(BundleError, match=r"tokenizer\.json: has 117 tokens"):
        tinyalm.load(other).caption(tone(TONES[0], 1.0), sample_rate=RATE)


def test_a_manifest_that_describes_no_captioner_is_refused(captioner, tmp_path):
    manifest = read_bundle(bundle_with(tmp_path / "a.tinyalm", captioner))
    wrong = replace(manifest.caption, graph=manifest.audio)
    other = bundle_with(tmp_path / "b.tinyalm", captioner, caption=wrong)
    with pytest.raises(BundleError, match="does not describe a captioner"):
        tinyalm.load(other).caption(tone(TONES[0], 1.0), sample_rate=RATE)


def test_policies_without_the_task_or_with_labels_refuse(bundle):
    for policy in (Policy(tasks=("tag",)), Policy(tasks=("caption",), labels=("hum",))):
        with pytest.raises(PolicyError):
            tinyalm.load(bundle, policy=policy).caption(tone(TONES[0], 1.0), sample_rate=RATE)
    allowed = tinyalm.load(bundle, policy=Policy(tasks=("caption",)))
    assert allowed.caption(tone(TONES[0], 1.0), sample_rate=RATE).text


def test_without_a_text_side_captions_are_not_checked(captioner, tmp_path):
    path = bundle_with(tmp_path / "mute.tinyalm", captioner, text=None, labels=[])
    said = tinyalm.load(path).caption(tone(TONES[2], 2.0), sample_rate=RATE)
    assert said.segments[0].words == []


def test_the_command_line(bundle, tmp_path):
    good, bad = write_tone(tmp_path / "horn.wav", "horn"), tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    done = command("caption", good, bad, "--bundle", bundle, "--json", "--beam", 2)
    assert done.returncode == 2
    assert str(bad) in one_line(done.stderr)
    answer = json.loads(done.stdout)
    assert answer["file"] == str(good)
    assert "horn" in answer["text"]
    shown = command("caption", good, "--bundle", bundle, "--explain", "--style", "short")
    assert shown.returncode == 0
    assert "horn" in [line.split()[1] for line in shown.stdout.splitlines()[2:]]
