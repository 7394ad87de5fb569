import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from tests.distill.sounds import make_sounds
from tests.fake_teacher import ToneTeacher
from tests.fakes import RATE, WORDS, tone
from tinyalm.errors import DataError
from tinyalm_distill.cli import evaluate
from tinyalm_distill.composition import FADE_S
from tinyalm_distill.evaluation.embedders import TeacherEmbedder
from tinyalm_distill.evaluation.order import PART_S, Pair, order, pair_up
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.manifest import Clip, read_clips

pytestmark = pytest.mark.usefixtures("own_cache")


class Attentive(ToneTeacher):
    """Hears and reads halves: its space is that of the tones, twice."""

    name, dim = "attentive", 16

    def embed_audio(self, waveforms: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        halves = [
            super(Attentive, self).embed_audio([part], sample_rate)[0]
            for waveform in waveforms
            for part in np.array_split(waveform, 2)
        ]
        return np.reshape(halves, (len(waveforms), -1)) / 2**0.5

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = []
        for text in texts:
            first, joint, second = text.split()
            words = [first, second] if joint == "then" else [text, text]
            rows.append(super().embed_text(words).ravel() / 2**0.5)
        return np.stack(rows)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Eight seconds' tones of each of four words, of equal length."""
    (tmp_path / "sounds").mkdir()
    made = []
    for word, hz in zip(WORDS[:4], (250, 500, 1000, 2000), strict=True):
        for number in range(8):
            file = tmp_path / "sounds" / f"{word}-{number}.wav"
            soundfile.write(file, tone(hz, 1.0) / (1 + number), RATE)
            made.append(Clip(file=file, labels=(word,)))
    return made


def test_a_model_that_knows_order_is_always_right(clips: list[Clip]) -> None:
    made = result(order(TeacherEmbedder(Attentive()), clips))
    assert made.clips == 16
    assert made.facts["orders with one embedding"] == 0
    for name in ("order, audio to text", "order, text to audio", "then or while", "content"):
        assert made.figures[name].value == 1, name
    assert made.notes == ["chance is 0.5; equal cosines count one half"]


def test_a_model_that_cannot_know_order_is_at_chance_and_it_is_said(clips: list[Clip]) -> None:
    made = result(order(TeacherEmbedder(ToneTeacher()), clips))
    figure = made.figures["order, audio to text"]
    assert (figure.value, figure.low, figure.high) == (0.5, 0.5, 0.5)
    assert made.figures["content"].value == 1  # what sounds it knows all the same
    assert made.facts["orders with one embedding"] == 1
    assert "cannot know the order" in made.notes[1]


def test_against_another_model_order_is_not_called_retained(clips: list[Clip]) -> None:
    mine, theirs = (order(TeacherEmbedder(t()), clips) for t in (ToneTeacher, Attentive))
    figure = result(mine, theirs).figures["order, audio to text"]
    assert figure.against is not None
    assert figure.against.value == 1
    assert figure.retention is None  # of chance


def test_no_clip_is_in_two_pairs_and_labels_differ(clips: list[Clip]) -> None:
    pairs = pair_up(clips, 200)
    used = [clip.file for pair in pairs for clip in (pair.first, pair.second)]
    assert len(used) == len(set(used)) == 32
    assert all(pair.first.labels != pair.second.labels for pair in pairs)
    assert pair_up(clips, 200) == pairs
    assert len(pair_up(clips, 5)) == 5
    lower = sum(WORDS.index(p.first.labels[0]) < WORDS.index(p.second.labels[0]) for p in pairs)
    assert 0 < lower < 16  # neither label is always the first


def test_sounds_are_of_one_level_and_short(clips: list[Clip], tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, tone(1000, 5.0), RATE)
    quiet = clips[7]  # an eighth as loud
    joined = Pair(Clip(file=long), quiet).waveform(RATE)
    faded = round(FADE_S * RATE)
    assert joined.size == (PART_S + 1) * RATE - faded
    alone = int(PART_S * RATE) - faded  # where the first begins to give way
    parts = joined[:alone], joined[alone + faded :]
    levels = [np.sqrt(np.mean(part**2)) for part in parts]
    assert levels[0] == pytest.approx(levels[1], rel=0.01)
    mixed = Pair(Clip(file=long), quiet, at_once=True).waveform(RATE)
    assert mixed.size == PART_S * RATE
    assert mixed[RATE:alone] == pytest.approx(joined[RATE:alone], abs=1e-6)


def test_one_label_makes_no_pair(tmp_path: Path) -> None:
    one = [Clip(file=tmp_path / f"{i}.wav", labels=("hum",)) for i in range(4)]
    with pytest.raises(DataError, match="clips of two labels"):
        pair_up(one, 10)


def test_the_command(tmp_path: Path, bundle: Path) -> None:
    manifest = make_sounds(tmp_path / "tones", per_word=4)
    assert len(read_clips(str(manifest))) == 16
    arguments = ["order", "--manifest", str(manifest), "--bundle", str(bundle), "--pairs", "6"]
    made = json.loads(CliRunner().invoke(evaluate, [*arguments, "--json"]).stdout)
    assert made["facts"]["pairs"] == 6
    assert made["figures"]["order, audio to text"]["value"] == 0.5  # its text side adds up words
    assert "cannot know the order" in CliRunner().invoke(evaluate, arguments).stdout
