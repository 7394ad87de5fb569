import csv
import io
import json
import subprocess

import numpy as np
import pytest
import soundfile

from tests.audio_files import bad_files, good_files
from tests.fakes import RATE, WORDS, make_bundle, tone, write_tone
from tests.process import COMMAND, environment, one_line, tinyalm


@pytest.fixture
def folder(tmp_path):
    """A folder of four recordings, one of them deeper down, and a file that is none."""
    (tmp_path / "sounds" / "deep").mkdir(parents=True)
    for word in WORDS[:3]:
        write_tone(tmp_path / "sounds" / f"{word}.wav", word)
    write_tone(tmp_path / "sounds" / "deep" / "beep.FLAC", "beep")
    (tmp_path / "sounds" / "notes.txt").write_text("not a sound")
    return tmp_path / "sounds"


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_table_for_people(bundle, tmp_path):
    samples = np.concatenate([tone(250, 5), tone(5000, 5)])
    soundfile.write(tmp_path / "street.wav", samples, RATE)
    done = tinyalm(
        "tag", "street.wav", "--bundle", bundle, "--labels", "hum, hiss,beep", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    title, head, first, second, third = done.stdout.splitlines()
    assert title == "street.wav (0:10.0)"
    assert head == "  score  label  strongest"
    assert {first.split()[1], second.split()[1]} == {"hum", "hiss"}
    assert {first.split()[2], second.split()[2]} == {"0:00.0–0:02.0", "0:05.0–0:07.0"}  # noqa: RUF001
    assert third.split()[1] == "beep"


def test_the_shape_of_the_json(bundle, tmp_path):
    file = write_tone(tmp_path / "horn.wav", "horn", seconds=3)
    done = tinyalm("tag", file, "--bundle", bundle, "--top-k", 2, "--json")
    (answer,) = answers(done)
    assert list(answer) == ["file", "duration", "tags", "segments"]
    assert (answer["file"], answer["duration"]) == (str(file), 3)
    assert len(answer["tags"]) == 2
    best = answer["tags"][0]
    assert list(best) == ["label", "score", "similarity", "start", "end"]
    assert best["label"] == "horn"
    assert 0.99 < best["score"] < 1
    assert [(s["start"], s["end"]) for s in answer["segments"]] == [(0, 2), (1, 3)]
    assert list(answer["segments"][0]["tags"][0]) == ["label", "score", "similarity"]


def test_a_folder_stands_for_its_recordings_in_order(bundle, folder):
    done = tinyalm("tag", folder, "--bundle", bundle, "--labels", ",".join(WORDS), "--json")
    assert done.returncode == 0
    assert [a["file"] for a in answers(done)] == [
        str(folder / name) for name in ("buzz.wav", "deep/beep.FLAC", "horn.wav", "hum.wav")
    ]
    assert [a["tags"][0]["label"] for a in answers(done)] == ["buzz", "beep", "horn", "hum"]


def test_the_bundle_may_be_named_in_the_environment(bundle, folder):
    done = tinyalm("tag", folder / "hum.wav", "--json", TINYALM_BUNDLE=str(bundle))
    assert answers(done)[0]["tags"][0]["label"] == "hum"


def test_labels_of_both_options_are_asked(bundle, folder, tmp_path):
    (tmp_path / "labels.txt").write_text("# more\nbeep\n")
    options = ["--labels", "hum", "--labels-file", tmp_path / "labels.txt", "--template", "n1 {}"]
    done = tinyalm("tag", folder / "hum.wav", "--bundle", bundle, *options, "--json")
    assert [tag["label"] for tag in answers(done)[0]["tags"]] == ["hum", "beep"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", ""], "the list of labels is empty"),
        (["--labels", "hum,,buzz"], "label 2 is blank"),
        (["--labels", "hum,hum"], "label 'hum' is there twice"),
        (["--labels-file", "none.txt"], "none.txt: labels cannot be read"),
        (["--labels", "hum", "--template", "a"], "template 'a' must hold {} once"),
    ],
)
def test_labels_that_make_no_sense_are_one_line(bundle, folder, options, message):
    done = tinyalm("tag", folder / "hum.wav", "--bundle", bundle, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in one_line(done.stderr)


def test_the_shipped_student_answers_where_no_bundle_is_named(folder):
    done = tinyalm("tag", folder / "hum.wav", "--json")
    named = tinyalm("tag", folder / "hum.wav", "--json", "--bundle", "micro")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == named.stdout
    assert len(json.loads(done.stdout)["tags"]) == 5


def test_no_bundle_here_and_no_labels_are_one_line(folder, tmp_path):
    bare = make_bundle(tmp_path / "bare.tinyalm", labels=[])
    done = tinyalm("tag", folder, "--bundle", bare)
    assert done.returncode == 2
    assert "bare.tinyalm: the bundle has no labels of its own" in one_line(done.stderr)
    done = tinyalm("tag", folder, "--bundle", tmp_path / "none.tinyalm")
    assert done.returncode == 2
    assert "none.tinyalm: no bundle here" in one_line(done.stderr)


def test_unusual_recordings_are_answered(bundle, tmp_path):
    files = list(good_files(tmp_path).values())
    done = tinyalm("tag", *files, "--bundle", bundle, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [answer["file"] for answer in answers(done)] == [str(file) for file in files]


def test_bad_files_cost_a_line_each_and_the_others_are_answered(bundle, folder, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "empty").mkdir()
    bad = [*bad_files(tmp_path / "bad").values(), tmp_path / "empty", tmp_path / "none"]
    good = [folder / "hum.wav", folder / "buzz.wav"]
    done = tinyalm("tag", good[0], *bad, good[1], "--bundle", bundle, "--json")
    assert done.returncode == 2
    assert [answer["file"] for answer in answers(done)] == [str(file) for file in good]
    lines = done.stderr.splitlines()
    assert len(lines) == len(bad)
    for file, line in zip(bad, lines, strict=True):
        assert line.startswith(f"tinyalm: {file}: ")


def test_names_that_the_terminal_cannot_show_are_answered(bundle, folder, tmp_path):
    (folder / "hum.wav").rename(tmp_path / "\u96e8.wav")
    for options in ([], ["--json"]):
        done = tinyalm(
            "tag",
            tmp_path / "\u96e8.wav",
            "--bundle",
            bundle,
            *options,
            PYTHONIOENCODING="latin-1:strict",
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert r"\u96e8.wav" in done.stdout


def test_rows_of_every_window_as_csv(bundle, tmp_path):
    odd = write_tone(tmp_path / 'a, "b".wav', "hum", seconds=3)
    write_tone(tmp_path / "beep.wav", "beep", seconds=1)
    options = ["--bundle", bundle, "--top-k", 1, "--csv"]
    done = tinyalm("tag", odd, tmp_path / "beep.wav", *options)
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["file"], row["start"], row["end"], row["label"]) for row in rows] == [
        (str(odd), "0.000", "2.000", "hum"),
        (str(odd), "1.000", "3.000", "hum"),
        (str(tmp_path / "beep.wav"), "0.000", "1.000", "beep"),
    ]
    assert all(0.99 < float(row["score"]) < 1 for row in rows)


def test_a_label_track_for_audacity(bundle, tmp_path):
    file = write_tone(tmp_path / "hum.wav", "hum", seconds=3)
    done = tinyalm("tag", file, "--bundle", bundle, "--top-k", 1, "--audacity")
    assert done.stdout == "0.000000\t2.000000\thum 0.99\n1.000000\t3.000000\thum 0.99\n"
    done = tinyalm("tag", file, file, "--bundle", bundle, "--audacity")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a label track is of one recording, and here are 2" in one_line(done.stderr)


def test_jobs_change_nothing(bundle, folder):
    (folder / "a-bad.wav").write_bytes(b"no sound")
    for number in range(12):
        write_tone(folder / f"{number:02}.wav", WORDS[number % 8], seconds=0.5 + number % 3)
    alone = tinyalm("tag", folder, folder / "none.wav", "--bundle", bundle, "--json")
    several = tinyalm("tag", folder, folder / "none.wav", "--bundle", bundle, "--json", "--jobs", 3)
    assert alone.returncode == several.returncode == 2
    assert alone.stdout == several.stdout
    assert alone.stderr == several.stderr
    assert len(several.stderr.splitlines()) == 2
    assert len(answers(several)) == 16


def test_labels_that_make_no_sense_end_all_jobs(bundle, folder):
    done = tinyalm("tag", folder, "--bundle", bundle, "--labels", "hum,hum", "--jobs", 2)
    assert (done.returncode, done.stdout) == (2, "")
    assert "label 'hum' is there twice" in one_line(done.stderr)


def test_a_file_on_standard_input(bundle, folder):
    def piped(content):
        return subprocess.run(
            [*COMMAND, "tag", "-", "--bundle", str(bundle), "--json"],
            input=content,
            env=environment(),
            capture_output=True,
            timeout=120,
            check=False,
        )

    done = piped((folder / "hum.wav").read_bytes())
    answer = json.loads(done.stdout)
    assert (answer["file"], answer["tags"][0]["label"]) == ("-", "hum")
    done = piped(b"")
    assert done.returncode == 2
    assert one_line(done.stderr.decode()).startswith("tinyalm: <stream>: empty")
