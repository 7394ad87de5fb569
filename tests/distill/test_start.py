"""Students that start from what others learned, through whole distillations."""

from pathlib import Path

import msgspec
import pytest
import torch

from tests.distill.sounds import make_recipe, make_sounds
from tests.fake_teacher import ToneTeacher
from tinyalm.errors import ConfigError, DataError
from tinyalm.frontend import preset
from tinyalm.models.audio import deterministic_init
from tinyalm.models.checkpoint import load_student
from tinyalm.models.counting import cost
from tinyalm.models.separable import SeparableBody
from tinyalm.models.shapes import SeparableBlock, SeparableConfig
from tinyalm_distill.recipe import AudioShape, Inherit, Recipe
from tinyalm_distill.run import distil
from tinyalm_distill.run_folder import claim
from tinyalm_distill.teachers import Inheritance

pytestmark = pytest.mark.usefixtures("own_cache")

SHAPE = SeparableConfig(
    stem=48,
    blocks=(SeparableBlock(outputs=96, stride=2), SeparableBlock(outputs=128, stride=2)),
)


class WithBody(ToneTeacher):
    """A teacher that has a network to leave; what it hears does not come from it."""

    def body(self) -> Inheritance:  # type: ignore[override]
        body = SeparableBody(SHAPE).eval()
        deterministic_init(body, 1)
        return Inheritance(body, preset("yamnet" if self.revision == "2" else "edge-16k"))


def recipe_of(folder: Path, body: Inherit, per_word: int = 3) -> Recipe:
    recipe = make_recipe(make_sounds(folder / "sounds", per_word), steps=2)
    return msgspec.structs.replace(recipe, name="heir", audio=AudioShape(body=body, hidden=8))


def run(recipe: Recipe, out: Path, teacher: ToneTeacher | None = None) -> SeparableBody:
    claim(out, recipe, resume=False)
    distil(recipe, teacher or WithBody(), out, say=lambda _: None)
    body = load_student(out).audio.encoder.body
    assert isinstance(body, SeparableBody)
    return body


def macs(body: SeparableBody) -> int:
    return cost(body, torch.zeros(1, 96, 64)).macs


def test_a_student_can_be_cut_out_of_a_larger_one(tmp_path: Path) -> None:
    large = run(recipe_of(tmp_path, Inherit(macs=0.8), per_word=4), tmp_path / "large")
    source = Inherit(macs=0.6, source=str(tmp_path / "large"))
    recipe_of_small = recipe_of(tmp_path / "other", source)
    words = tmp_path / "words.txt"
    words.write_text("a horn\n")
    data = msgspec.structs.replace(recipe_of_small.data, texts=[str(words)])
    small = run(msgspec.structs.replace(recipe_of_small, data=data), tmp_path / "small")
    whole = macs(SeparableBody(SHAPE))
    assert macs(small) <= 0.6 * whole < macs(large) <= 0.8 * whole
    # Its depthwise convolutions are the larger student's, which moved away from the teacher's.
    own, theirs = (body.separables()[0].depthwise.conv.weight for body in (small, large))
    first = SeparableBody(SHAPE)
    deterministic_init(first, 1)
    taught = first.separables()[0].depthwise.conv.weight
    assert (own - theirs).norm() < (own - taught).norm()
    provenance = load_student(tmp_path / "small").meta.provenance
    assert provenance.recipe["audio"]["body"]["source"] == "large"  # no path of this machine
    assert [(s.name, s.clips, s.licence) for s in provenance.data] == [
        ("sounds", 12, "CC0-1.0"),  # the larger one's, of which it has heard 8
        ("words.txt", 0, "not stated"),
    ]


def test_a_source_must_be_a_student_of_this_teacher_that_inherited(tmp_path: Path) -> None:
    run(recipe_of(tmp_path, Inherit(macs=0.8)), tmp_path / "large")
    other = WithBody()
    other.revision = "1b"
    heir = recipe_of(tmp_path, Inherit(macs=0.6, source=str(tmp_path / "large")))
    with pytest.raises(ConfigError, match="large: not an inherited student of tones"):
        run(heir, tmp_path / "a", other)
    mobile = make_recipe(tmp_path / "sounds/manifest.csv", steps=2)
    distil(mobile, WithBody(), tmp_path / "mobile", say=lambda _: None)
    heir = recipe_of(tmp_path, Inherit(macs=0.6, source=str(tmp_path / "mobile")))
    with pytest.raises(ConfigError, match="mobile: not an inherited student"):
        run(heir, tmp_path / "b")
    heir = recipe_of(tmp_path, Inherit(macs=0.6, source=str(tmp_path / "none")))
    with pytest.raises(DataError, match="none"):
        run(heir, tmp_path / "c")


def test_a_teacher_without_a_fitting_body_says_what_to_choose(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, Inherit(macs=0.6))
    with pytest.raises(ConfigError, match="has no body to inherit; choose another"):
        run(recipe, tmp_path / "a", ToneTeacher())
    other = WithBody()
    other.revision = "2"
    with pytest.raises(ConfigError, match="hears another front end; choose another"):
        run(recipe, tmp_path / "b", other)
