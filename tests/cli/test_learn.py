import json

import pytest

from tests.fakes import write_tone
from tests.learning import make_learner, write_warbles
from tests.process import one_line, tinyalm
from tinyalm.adapters import load_adapter


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A bundle, and a folder with one of recordings for each label."""
    home = tmp_path_factory.mktemp("home")
    make_learner(home / "tones.tinyalm")
    write_warbles(home / "sounds" / "my doorbell")
    write_warbles(home / "sounds" / "kettle", words=("hiss", "whistle"))
    write_warbles(home / "fresh", count=1)
    return home


def test_learn_from_a_folder_for_each_label_and_tag_with_it(home, tmp_path):
    out = tmp_path / "home.adapter"
    done = tinyalm("learn", home / "sounds", "--bundle", home / "tones.tinyalm", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "kettle       6 recordings",
        "my doorbell  6 recordings",
    ]
    assert (learned := load_adapter(out)).name == "home"
    assert learned.labels == ["kettle", "my doorbell"]
    file = home / "fresh" / "0.wav"
    options = ["--bundle", home / "tones.tinyalm", "--adapter", out]
    done = tinyalm("tag", file, *options, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tags"][0]["label"] == "my doorbell"
    assert "my doorbell" in tinyalm("tag", file, *options).stdout
    hum = write_tone(tmp_path / "hum.wav", "hum")
    done = tinyalm("tag", hum, *options, "--labels", "hum,kettle", "--json")
    assert [tag["label"] for tag in json.loads(done.stdout)["tags"]] == ["hum"]


def test_labels_named_on_the_command_line(home, tmp_path):
    files = sorted((home / "sounds" / "my doorbell").iterdir())
    named = ["--name", "my doorbell", *files, "--name", "kettle", home / "sounds" / "kettle"]
    bundle = {"TINYALM_BUNDLE": str(home / "tones.tinyalm")}
    done = tinyalm("learn", *named, "--out", "a.adapter", cwd=tmp_path, **bundle)
    assert (done.returncode, done.stderr) == (0, "")
    one = load_adapter(tmp_path / "a.adapter")
    assert one.labels == ["my doorbell", "kettle"]
    assert one.examples == [6, 6]
    # Options may stand between, and a label may come twice.
    split = ["--name", "my doorbell", *files[:2], "--out", "b.adapter", "--name", "my doorbell"]
    done = tinyalm("learn", *split, *files[2:], "--false-alarm", 0.01, cwd=tmp_path, **bundle)
    assert (done.returncode, done.stderr) == (0, "")
    other = load_adapter(tmp_path / "b.adapter")
    assert (other.labels, other.examples, other.false_alarm) == (["my doorbell"], [6], 0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x"], "nothing to learn; give a folder of folders or --name LABEL FILE..."),
        (["fresh", "--out", "x"], "fresh: no folders in it"),
        (["--name", "bell", "fresh", "--out", "x"], "label 'bell' has 1 recordings; give at least"),
        (["--name", "bell", "none.wav", "--out", "x"], "none.wav"),
        (["--name", " ", "fresh", "--out", "x"], "label 1 is blank"),
        (["--name", "bell", "empty", "--out", "x"], "empty: no audio file in this folder"),
    ],
)
def test_what_cannot_be_learned_is_one_line(home, arguments, message):
    (home / "empty").mkdir(exist_ok=True)
    done = tinyalm("learn", *arguments, "--bundle", "tones.tinyalm", cwd=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in one_line(done.stderr)
    assert not (home / "x").exists()


def test_an_adapter_that_does_not_fit_is_one_line(home, tmp_path):
    out = tmp_path / "a.adapter"
    tinyalm("learn", home / "sounds", "--bundle", home / "tones.tinyalm", "--out", out)
    file = home / "fresh" / "0.wav"
    out.write_bytes(out.read_bytes()[:-1])
    done = tinyalm("tag", file, "--bundle", home / "tones.tinyalm", "--adapter", out)
    assert done.returncode == 2
    assert "a.adapter: cut short or altered" in one_line(done.stderr)


@pytest.mark.parametrize("rest", [[], ["bell"]])
def test_a_name_without_files_is_a_usage_error(home, rest):
    for arguments in (["--out", "x", "--name", *rest], ["--name", *rest, "--out", "x"]):
        done = tinyalm("learn", *arguments, "--bundle", home / "tones.tinyalm")
        assert done.returncode == 2
        assert "Error: --name needs a label and files" in done.stderr
