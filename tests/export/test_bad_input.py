import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.export.students import META, random_student, save_checkpoint, sounds
from tinyalm.bundle import read_bundle
from tinyalm.errors import DataError, ExportError
from tinyalm.models.checkpoint import CALIBRATION, TOKENIZER, WEIGHTS
from tinyalm.models.checkpoint import META as STUDENT
from tinyalm_export import exporter, parts
from tinyalm_export.exporter import export_bundle
from tinyalm_export.parity import check_parity


@pytest.fixture
def copy(tmp_path):
    return save_checkpoint(tmp_path / "tiny")


def refused(checkpoint, out, kind=ExportError):
    """The one-line message with which the export is refused; nothing is written."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(kind) as error:
        export_bundle(checkpoint, out)
    assert sorted(out.parent.iterdir()) == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", [STUDENT, WEIGHTS, TOKENIZER, CALIBRATION])
def test_a_missing_file_is_named(copy, tmp_path, name):
    (copy / name).unlink()
    message = refused(copy, tmp_path / "x.tinyalm", DataError)
    assert name in message
    assert "distil" in message


@pytest.mark.parametrize("name", [STUDENT, WEIGHTS, TOKENIZER, CALIBRATION])
def test_half_a_file_is_named(copy, tmp_path, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    assert f"{copy / name}: " in refused(copy, tmp_path / "x.tinyalm", DataError)


def test_another_version_is_refused(copy, tmp_path):
    meta = json.loads((copy / STUDENT).read_text())
    (copy / STUDENT).write_text(json.dumps(meta | {"format_version": 99}))
    assert "checkpoint version 99" in refused(copy, tmp_path / "x.tinyalm", DataError)


@pytest.mark.parametrize("name", ["audio.encoder.head.project.weight", "text.table.weight"])
def test_weights_that_are_no_numbers_are_named(tmp_path, name):
    student = random_student()
    weights = student.state_dict()
    weights[name].view(-1)[3] = torch.nan
    folder = save_checkpoint(tmp_path / "tiny", weights=weights)
    message = refused(folder, tmp_path / "x.tinyalm")
    assert f"{name} holds NaN or infinity" in message


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([], "holds no windows"),
        ([np.zeros(15360, np.float32)] * 3, "all 3 windows are silent"),
        ([np.full(15360, np.nan, np.float32)], "samples that are no numbers"),
    ],
)
def test_sound_that_proves_nothing_is_refused(tmp_path, windows, said):
    folder = save_checkpoint(tmp_path / "tiny", calibration=windows)
    assert said in refused(folder, tmp_path / "x.tinyalm")


def test_a_tokenizer_of_another_student_is_refused(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    other = Tokenizer(WordLevel({str(i): i for i in range(13)}, unk_token="0"))
    folder = save_checkpoint(tmp_path / "tiny", tokenizer=other.to_str())
    assert "has 13 tokens, and the student knows 12" in refused(folder, tmp_path / "x.tinyalm")


@pytest.mark.parametrize(
    ("precision", "rows", "figure"),
    [
        ("fp32", [(1e-7, 1.0), (2e-4, 1.0)], "0.0002"),
        ("fp32", [(1e-5, 0.9998)], "0.999800"),
        ("fp32", [(float("nan"), float("nan"))], "nan"),
        ("int8", [(0.1, 0.99), (0.1, 0.95)], "0.9700"),
    ],
)
def test_a_graph_that_is_not_the_student_is_refused_with_the_figure(precision, rows, figure):
    with pytest.raises(ExportError, match="nothing was written") as error:
        check_parity("audio graph", precision, rows)
    assert figure in str(error.value)


def test_a_graph_that_is_the_student_passes():
    check_parity("audio graph", "fp32", [(1e-6, 0.99999)])
    check_parity("audio graph", "int8", [(0.02, 0.96), (0.02, 1.0)])


@pytest.fixture
def ready_made(fp32, monkeypatch):
    """Skip the making of graphs: the scratch folder gets those of a finished bundle."""
    manifest = read_bundle(fp32)

    def make_audio(_source, _precision, folder, _target):
        for name in ("audio.onnx", "features.onnx", "frontend.logmel"):
            (folder / name).write_bytes((fp32 / name).read_bytes())
        return parts.AudioPart(manifest.audio, manifest.features, manifest.parity, {})

    def make_text(_source, _precision, folder):
        for name in ("text.onnx", "tokenizer.json"):
            (folder / name).write_bytes((fp32 / name).read_bytes())
        return manifest.text

    monkeypatch.setattr(exporter, "make_audio", make_audio)
    monkeypatch.setattr(exporter, "make_text", make_text)


@pytest.mark.usefixtures("ready_made")
def test_a_full_disk_leaves_the_old_bundle(checkpoint, tmp_path, monkeypatch):
    out = tmp_path / "x.tinyalm"
    export_bundle(checkpoint, out, name="before")

    def full(_source, target):
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporter.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        export_bundle(checkpoint, out, name="after")
    assert read_bundle(out).name == "before"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("ready_made")
def test_a_bundle_is_replaced_by_its_next_export(checkpoint, tmp_path):
    out = tmp_path / "x.tinyalm"
    export_bundle(checkpoint, out, name="before")
    assert export_bundle(checkpoint, out, name="after").name == "after"
    assert read_bundle(out).name == "after"


@pytest.mark.usefixtures("ready_made")
def test_without_a_name_the_bundle_has_the_students(checkpoint, tmp_path):
    assert export_bundle(checkpoint, tmp_path / "x.tinyalm").name == META.name


def test_one_audible_window_is_enough(tmp_path):
    folder = save_checkpoint(
        tmp_path / "tiny", calibration=[np.zeros(7680, np.float32), sounds()[0]]
    )
    from tinyalm_export.checkpoint_input import read_checkpoint

    assert len(read_checkpoint(folder).sound) == 1
