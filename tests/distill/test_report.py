import json
from pathlib import Path

from click.testing import CliRunner

from tests.distill.sounds import make_sounds
from tests.fakes import make_bundle
from tinyalm_distill.cli import evaluate


def test_the_report_takes_further_measures(
    pulled_cache: Path, bundle: Path, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "other.tinyalm", name="other", calibration=None)
    manifest, out = make_sounds(tmp_path / "sounds", per_word=4), tmp_path / "out"
    models = [part for one in (bundle, other) for part in ("--bundle", str(one))]
    measures = [part for one in ("order", "calibration") for part in ("--measure", one)]
    arguments = ["report", "--manifest", str(manifest), "--out", str(out), *models, *measures]
    ran = CliRunner().invoke(evaluate, arguments)
    assert ran.exit_code == 0, ran.output
    page = (out / "report.md").read_text()
    assert "## order, 8 clips" in page
    assert "## calibration, 16 clips" in page
    assert page.count("| tones.tinyalm |") == page.count("| other.tinyalm |") == 3
    assert "- other.tinyalm: not calibrated: its scores are cosines" in page
    assert "![How often labels apply" in page
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    teacher, student, _ = json.loads((out / "report.json").read_text())
    assert teacher["comparison"] is None
    assert student["comparison"]["cosine"] is None  # eight tones against MiniLM's 384
    assert student["results"][0]["against"] == "yamnet-minilm"
    assert student["results"][0]["figures"]["content"]["value"] == 1


def test_every_measure_of_the_report_can_be_asked_for() -> None:
    from tinyalm_distill.report import MEASURES

    option = next(p for p in evaluate.commands["report"].params if p.name == "measures")
    assert list(option.type.choices) == list(MEASURES)
