"""The captioner beside its baselines."""

from pathlib import Path

from tests.fake_teacher import ToneTeacher
from tests.fakes import WORDS, write_tone
from tinyalm_distill.evaluation.captions import Judge, measure_captions
from tinyalm_distill.evaluation.results import result
from tinyalm_distill.manifest import Clip


def test_systems_are_measured_side_by_side(bundle: Path, tmp_path: Path) -> None:
    clips = [
        Clip(file=write_tone(tmp_path / f"{word}.wav", word), labels=(word,)) for word in WORDS[:4]
    ]
    clips.append(Clip(file=tmp_path / "missing.wav", labels=("hum",)))
    teacher = ToneTeacher()
    judge = Judge(teacher.embed_text, teacher)
    measured = measure_captions(bundle, clips, ["squeak", "horn"], judge, style="short")
    found = {one.model.split(" ", 1)[1]: result(one) for one in measured}
    assert list(found) == ["captioner", "decoder alone", "nearest caption", "label template"]
    alike = {name: one.figures["similarity"].value for name, one in found.items()}
    assert alike["captioner"] > 0.9
    assert alike["captioner"] > alike["label template"] > alike["nearest caption"]
    assert found["captioner"].figures["hallucination"].value == 0
    assert found["captioner"].clips == 4
    assert "missing.wav" in found["captioner"].skipped[0]
