import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import tinyalm
from tests.fakes import WORDS, write_tone
from tinyalm.cli.main import cli
from tinyalm.label_pack import read_label_pack


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def labels_file(tmp_path: Path) -> Path:
    (tmp_path / "list.txt").write_text("hiss\nhum\nsqueak\n")
    return tmp_path / "list.txt"


def test_a_pack_of_a_file_of_labels_tags_as_the_labels_do(
    bundle: Path, labels_file: Path, tmp_path: Path
) -> None:
    pack = tmp_path / "home.labels"
    done = run("labels", bundle, "--labels-file", labels_file, "--template", "n1 {}", "--out", pack)
    assert done.exit_code == 0, done.output
    assert f"wrote {pack}: 3 labels" in done.output
    read = read_label_pack(pack)
    assert (read.labels, read.template) == (["hiss", "hum", "squeak"], "n1 {}")
    assert (read.teacher, read.tower) == ("tones", "student tones")
    sound = write_tone(tmp_path / "hiss.wav", "hiss")
    answers = [
        json.loads(run("tag", sound, "--json", "--bundle", bundle, *options).output)
        for options in (
            ("--labels-file", pack),
            ("--labels-file", labels_file, "--template", "n1 {}"),
        )
    ]
    packed, spelled = ([(t["label"], t["score"]) for t in a["tags"]] for a in answers)
    assert packed[0][0] == "hiss"
    assert [label for label, _ in packed] == [label for label, _ in spelled]
    assert [score for _, score in packed] == pytest.approx([s for _, s in spelled], abs=0.03)


def test_by_default_the_pack_holds_the_bundles_own_labels(bundle: Path, tmp_path: Path) -> None:
    assert run("labels", bundle, "--out", tmp_path / "own.labels").exit_code == 0
    pack = read_label_pack(tmp_path / "own.labels")
    assert pack.labels == list(WORDS[:4])
    expected = tinyalm.load(bundle).embed_labels().embeddings
    assert np.allclose((pack.embeddings * expected).sum(axis=1), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--labels", "hum"], "a label pack is asked alone; leave out --labels"),
        (["--template", "n2 {}"], "the label pack was made with the template '{}'"),
    ],
)
def test_a_pack_has_its_own_labels_and_template(
    bundle: Path, tmp_path: Path, options: list[str], says: str
) -> None:
    run("labels", bundle, "--out", tmp_path / "own.labels")
    sound = write_tone(tmp_path / "hum.wav", "hum")
    done = run("tag", sound, "--bundle", bundle, "--labels-file", tmp_path / "own.labels", *options)
    assert done.exit_code == 2
    assert says in done.stderr
