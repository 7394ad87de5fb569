"""A student of a CLAP teacher, which has no classes and hears another rate."""

from pathlib import Path

import msgspec
import pytest

from tests.distill.sounds import make_recipe, make_sounds
from tests.distill.teachers.models import save_clap
from tinyalm.models.checkpoint import load_student
from tinyalm_distill.run import distil
from tinyalm_distill.run_folder import claim
from tinyalm_distill.teachers import open_teacher


@pytest.mark.usefixtures("own_cache")
def test_a_student_of_clap(tmp_path: Path) -> None:
    folder = save_clap(tmp_path / "clap", fused=False)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    recipe = make_recipe(make_sounds(tmp_path / "sounds", per_word=2), steps=4)
    recipe = msgspec.structs.replace(recipe, teacher=f"clap:{folder}")
    teacher = open_teacher(recipe.teacher)
    claim(tmp_path / "student", recipe, resume=False)
    distil(recipe, teacher, tmp_path / "student", say=print)
    meta = load_student(tmp_path / "student").meta
    assert meta.audio.embedding_dim == 24
    assert meta.labels == ["beep", "buzz", "horn", "hum"]
    assert meta.template == "This is a sound of {}."
    assert meta.provenance.teacher == f"clap:clap {teacher.revision}"
    assert meta.provenance.teacher_licence == "cc-by-nc-4.0"
    assert meta.provenance.recipe["teacher"] == "clap:clap"  # no folder of this machine
