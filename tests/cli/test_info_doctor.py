import json
import shutil

from tests.fakes import DIM, make_bundle
from tests.process import one_line, tinyalm
from tinyalm.bundle import DataSource, Provenance, read_bundle
from tinyalm.cli import doctor
from tinyalm.cli.layout import aligned, clock, size
from tinyalm_runtimes.native_library import LIBRARY, levels


def test_info_says_what_the_bundle_is(bundle):
    done = tinyalm("info", bundle)
    assert (done.returncode, done.stderr) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["name"] == "tones"
    assert rows["embedding"] == f"{DIM} numbers"
    assert rows["teacher"] == "tones (CC0-1.0)"
    assert rows["labels"] == "4 in '{}'"
    assert "64 mel bands" in done.stdout
    assert "audio.onnx: fp32, opset 17" in done.stdout
    assert "features graph  none" in done.stdout
    assert "fitted on 64 pairs" in rows["calibration"]


def test_info_tells_texts_from_recordings(tmp_path):
    data = [
        DataSource(name="noise", clips=12, licence="CC0-1.0"),
        DataSource(name="words.txt", clips=0, licence="MIT"),
    ]
    origin = Provenance(teacher="t", teacher_licence="MIT", data=data, created_by="tests")
    done = tinyalm("info", make_bundle(tmp_path / "b.tinyalm", provenance=origin))
    rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["data", "noise: 12 clips (CC0-1.0)"] in rows
    assert ["data", "words.txt: texts (MIT)"] in rows


def test_info_as_json_is_the_manifest_with_its_size(bundle):
    described = json.loads(tinyalm("info", bundle, "--json").stdout)
    assert described["path"] == str(bundle)
    assert described["total_bytes"] == sum(file.stat().st_size for file in bundle.iterdir())
    assert described["files"].keys() == read_bundle(bundle).files.keys()


def test_info_of_a_damaged_bundle_is_one_line(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy.tinyalm")
    (copy / "text.onnx").write_bytes(b"")
    done = tinyalm("info", copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert "text.onnx: altered since the bundle was made" in one_line(done.stderr)


def test_doctor_reports_what_is_installed(tmp_path):
    done = tinyalm("doctor", "--json", TINYALM_CACHE=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["packages"].keys() == set(doctor.PACKAGES)
    assert "missing" not in report["packages"].values()
    assert report["engines"]["onnxruntime"] == "ok"
    assert report["cache"] == str(tmp_path)
    best = levels()[-1] if LIBRARY.exists() else None
    assert report["frontend"].startswith(f"native ({best})" if best else "graph (the native")
    assert report["extras"].keys() >= {"distill", "export"}


def test_doctor_prints_a_line_for_everything():
    done = tinyalm("doctor")
    assert done.returncode == 0
    for start in ("tinyalm ", "python ", "cpu ", "onnxruntime ", "engine onnxruntime  ok", "cache"):
        assert any(line.startswith(start) for line in done.stdout.splitlines())


def test_doctor_gives_the_command_for_a_missing_extra(monkeypatch):
    monkeypatch.setattr("tinyalm.extras._installed", lambda package: package != "torch")
    text = aligned(doctor._rows(doctor.examine()))
    assert 'lacks torch: pip install "tinyalm[export]"' in text


def test_doctor_says_which_engine_does_not_open():
    assert "MissingExtraError: no engine named 'abacus'" in doctor._opens("abacus")


def test_the_processor_of_an_arm_board(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd asimddp\n")
    assert doctor._cpu(tmp_path / "cpuinfo")["features"] == ["asimd", "asimddp"]
    assert doctor._cpu(tmp_path / "none")["features"] == []


def test_times_and_sizes_are_readable():
    assert [clock(s) for s in (0, 9.96, 59.97, 83.25, 7200)] == [
        "0:00.0",
        "0:10.0",
        "1:00.0",
        "1:23.2",
        "120:00.0",
    ]
    assert [size(n) for n in (7, 1500, 2_000_000, 3 * 10**9)] == [
        "7 bytes",
        "1.5 kB",
        "2.0 MB",
        "3.0 GB",
    ]
