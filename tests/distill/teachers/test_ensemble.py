"""Several teachers as one, through `open_teacher`."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from tests.distill.teachers.models import RATE, SENTENCES, save_clap, sounds
from tinyalm.errors import ConfigError
from tinyalm_distill.cli import distill
from tinyalm_distill.teachers import open_teacher
from tinyalm_distill.teachers.opening import parse


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clap(tmp_path_factory.mktemp("clap") / "tiny", fused=False)


@pytest.fixture(scope="module")
def three_to_one(clap: Path, pulled_cache: Path):
    return open_teacher(f"3*clap:{clap}+1*yamnet-minilm")


def test_similarities_are_the_weighted_mean_of_the_members(clap: Path, three_to_one) -> None:
    given = sounds((0.5, 2.0))
    ours = three_to_one.embed_audio(given, RATE) @ three_to_one.embed_text(SENTENCES).T
    parts = [
        member.embed_audio(given, RATE) @ member.embed_text(SENTENCES).T
        for member in (open_teacher(f"clap:{clap}"), open_teacher("yamnet-minilm"))
    ]
    assert np.abs(ours - (0.75 * parts[0] + 0.25 * parts[1])).max() < 1e-6
    norms = np.linalg.norm(three_to_one.embed_audio(given, RATE), axis=1)
    assert np.allclose(norms, 1, atol=1e-6)


def test_what_an_ensemble_says_of_itself(clap: Path, three_to_one) -> None:
    assert three_to_one.name == "0.75*clap:tiny+0.25*yamnet-minilm"
    assert (three_to_one.sample_rate, three_to_one.dim) == (RATE, 24 + 384)
    assert three_to_one.licence.startswith("unknown; Apache-2.0")
    assert len(three_to_one.labels) == 521
    answers = three_to_one.answer(sounds((1.0,)), RATE)
    assert answers.probabilities.shape == (1, 521)
    assert answers.features.shape == (1, 1024)
    assert three_to_one.body() is not None
    assert three_to_one.template == "This is a sound of {}."  # of the largest share
    even = open_teacher(f"clap:{clap}+yamnet-minilm")
    assert even.shares == (0.5, 0.5)
    assert even.revision != three_to_one.revision


def test_teach_reports_how_much_each_member_decides(
    clap: Path, three_to_one, tmp_path: Path
) -> None:
    waveform = sounds((1.0,))[0]
    soundfile.write(tmp_path / "a.wav", waveform, RATE, subtype="FLOAT")
    ran = CliRunner().invoke(
        distill,
        [
            *("teach", str(tmp_path / "a.wav"), "--json", "--labels", "dog,rain,whistle"),
            *("--teacher", f"3*clap:{clap}+yamnet-minilm".replace("+y", "+1*y")),
        ],
    )
    heard = json.loads(ran.stdout)
    assert heard.keys() == {"file", "classes", "labels", "teachers"}
    given = {entry["label"]: entry["score"] for entry in heard["teachers"]}
    texts = three_to_one.embed_text(
        [f"This is a sound of {x}." for x in ("dog", "rain", "whistle")]
    )
    shares = three_to_one.contributions(three_to_one.embed_audio([waveform], RATE), texts)
    assert sum(shares) == pytest.approx(1)
    assert given == pytest.approx({"clap:tiny": shares[0], "yamnet-minilm": shares[1]}, abs=1e-3)


def test_a_member_whose_similarities_are_alike_decides_nothing(three_to_one) -> None:
    sound = three_to_one.embed_audio(sounds((1.0,)), RATE)
    texts = three_to_one.embed_text(SENTENCES)
    texts[:, :24] = texts[0, :24]  # to the first member all texts are the same
    assert three_to_one.contributions(sound, texts) == pytest.approx([0, 1], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("yamnet-minilm", [("yamnet-minilm", 1)]),
        ("clap:a+b", [("clap:a+b", 1)]),
        ("clap:a+b+clap:c", [("clap:a+b", 0.5), ("clap:c", 0.5)]),
        ("0.7*clap:x/y + 0.3*yamnet-minilm", [("clap:x/y", 0.7), ("yamnet-minilm", 0.3)]),
        ("3*clap:/m/0.5*x+1*clap:y", [("clap:/m/0.5*x", 0.75), ("clap:y", 0.25)]),
    ],
)
def test_names_are_parsed(name: str, members: list[tuple[str, float]]) -> None:
    assert [(m.name, pytest.approx(m.share)) for m in parse(name)] == members


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clap", "no teacher named 'clap'; there are: yamnet-minilm, clap:PATH_OR_ID"),
        ("", "no teacher named ''"),
        ("0*yamnet-minilm+0*clap:x", "weight '0' of yamnet-minilm: it must be a number above 0"),
        ("-1*yamnet-minilm+2*clap:x", "weight '-1'"),
        ("nan*yamnet-minilm+1*clap:x", "weight 'nan'"),
        ("much*clap:x+1*yamnet-minilm", "weight 'much'"),
        ("0.5*clap:x+yamnet-minilm", "weigh all of its members, or none"),
        ("yamnet-minilm+lalm:x", "it is for 'tinyalm distill describe'"),
    ],
)
def test_names_that_make_no_sense(name: str, message: str, pulled_cache: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        open_teacher(name)
    assert message in str(raised.value)
