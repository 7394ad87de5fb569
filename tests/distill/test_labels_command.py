from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tinyalm.cli.main import cli
from tinyalm.label_pack import read_label_pack
from tinyalm_distill.teachers import open_teacher


def test_a_pack_holds_what_the_teacher_itself_reads(
    pulled_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYALM_CACHE", str(pulled_cache))
    (tmp_path / "list.txt").write_text("doorbell\nrain on a roof\n")
    options = ["--labels-file", str(tmp_path / "list.txt"), "--out", str(tmp_path / "a.labels")]
    done = CliRunner().invoke(cli, ["distill", "labels", "yamnet-minilm", *options])
    assert done.exit_code == 0, done.output
    pack = read_label_pack(tmp_path / "a.labels")
    assert (pack.labels, pack.template) == (["doorbell", "rain on a roof"], "{}")
    assert (pack.teacher, pack.tower) == ("yamnet-minilm 1", "teacher")
    exact = open_teacher("yamnet-minilm").embed_text(pack.labels)
    assert np.sum(pack.embeddings * exact, axis=1).min() > 0.9998
