import json
from pathlib import Path

import onnx
import torch
from click.testing import CliRunner

from tests.distill.sounds import make_sounds
from tests.export.students import random_student
from tests.fakes import make_bundle
from tinyalm.models.counting import cost
from tinyalm.models.shapes import YAMNET
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.costs import graph_macs
from tinyalm_export.graphs import encoder_graph


def test_the_report_takes_further_measures(
    pulled_cache: Path, bundle: Path, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "other.tinyalm", name="other", calibration=None)
    manifest, out = make_sounds(tmp_path / "sounds", per_word=4), tmp_path / "out"
    models = [part for one in (bundle, other) for part in ("--bundle", str(one))]
    measures = [part for one in ("order", "calibration") for part in ("--measure", one)]
    arguments = ["report", "--manifest", str(manifest), "--out", str(out), *models, *measures]
    arguments += ["--seconds", "0.5", "--seconds", "2", "--runs", "3"]
    ran = CliRunner().invoke(evaluate, arguments)
    assert ran.exit_code == 0, ran.output
    page = (out / "report.md").read_text()
    assert "## order, 8 clips" in page
    assert "## calibration, 16 clips" in page
    assert page.count("| tones.tinyalm |") == page.count("| other.tinyalm |") == 5
    assert "- other.tinyalm: not calibrated: its scores are cosines" in page
    assert "![How often labels apply" in page
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "costs.png").read_bytes().startswith(b"\x89PNG")
    teacher, student, _ = json.loads((out / "report.json").read_text())
    assert teacher["comparison"] is None
    assert [one["clip_s"] for one in student["timings"]] == [0.5, 2]
    assert teacher["timings"][0]["speedup"] == 1
    assert teacher["size"]["macs"] == yamnet_macs()
    assert student["comparison"]["cosine"] is None  # eight tones against MiniLM's 384
    assert student["results"][0]["against"] == "yamnet-minilm"
    assert student["results"][0]["figures"]["content"]["value"] == 1


def yamnet_macs() -> int:
    """Of 96 frames and 64 bands, by the shapes of its layers."""
    rows, columns, channels = 48, 32, YAMNET.stem
    total = rows * columns * channels * 9
    for block in YAMNET.blocks:
        rows, columns = rows // block.stride, columns // block.stride
        total += rows * columns * channels * (9 + block.outputs)
        channels = block.outputs
    return total


def test_multiplications_of_a_graph_are_those_of_its_student(tmp_path: Path) -> None:
    student = random_student().audio.encoder
    path = tmp_path / "encoder.onnx"
    onnx.save(encoder_graph(student, 64), path)
    counted = cost(student, torch.zeros(1, 96, 64))
    assert graph_macs(path, {"batch": 1, "frames": 96}) == counted.macs > 0


def test_every_measure_of_the_report_can_be_asked_for() -> None:
    from tinyalm_distill.report import MEASURES

    option = next(p for p in evaluate.commands["report"].params if p.name == "measures")
    assert list(option.type.choices) == list(MEASURES)
