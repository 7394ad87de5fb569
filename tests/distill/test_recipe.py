from pathlib import Path

import msgspec
import pytest

from tinyalm.errors import ConfigError
from tinyalm.models.shapes import MobileConfig, PatchConfig, SeparableBlock, SeparableConfig
from tinyalm_distill.captioning.recipe import CaptionRecipe
from tinyalm_distill.recipe import Inherit, Recipe
from tinyalm_distill.recipe_file import read_as, read_recipe

MINIMAL = "name: tiny\ndata:\n  manifests: [sounds/list.csv, 'asset:demo-sounds']\n"


def write(folder: Path, text: str = MINIMAL) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_paths_in_the_file_are_relative_to_it_and_typed_ones_to_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    recipe = read_recipe(write(tmp_path))
    assert recipe.data.manifests == [str(tmp_path / "sounds/list.csv"), "asset:demo-sounds"]
    recipe = read_recipe(write(tmp_path), ["data.manifests=[mine.csv]"])
    assert recipe.data.manifests == [str(tmp_path / "elsewhere/mine.csv")]


def test_changes_are_yaml_values_of_dotted_keys(tmp_path: Path) -> None:
    recipe = read_recipe(
        write(tmp_path), ["train.steps=7", "views.gain_db=[-3, 3]", "windows.hop_s=0.5", "seed=9"]
    )
    assert (recipe.train.steps, recipe.views.gain_db, recipe.seed) == (7, (-3.0, 3.0), 9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("train.stepz=3", "unknown key train.stepz; did you mean train.steps?"),
        ("steps=3", "unknown key steps; did you mean train.steps?"),
        ("zzz=3", "unknown key zzz"),
        ("train.steps=many", "Expected `int`"),
        ("train.steps=0", "steps, accumulate and validate_every must be at least 1"),
        ("train.batch_size=1", "batch_size must be at least 2"),
        ("train.ema=1", "ema within 0 and 1"),
        ("train.device=tpu", "Invalid enum value 'tpu'"),
        ("labels=mine", "Invalid enum value 'mine'"),
        ("views.mix=2", "mix is 2; it is a probability"),
        ("views.gain_db=[3, -3]", "the lower end comes first"),
        ("windows.hop_s=0", "hop_s"),
        ("text.rank=0", "rank"),
        ("text.held_out=0.7", "held_out"),
        ("text.layers=-1", "layers"),
        ("text.table_bits=5", "Invalid enum value 5"),
        ("data.licences=[MIT, CC0-1.0]", "2 licences of 0 files of texts; give one for all"),
        ("train.steps", "it must read key=value"),
        ("name.first=x", "name holds a value, not keys"),
        ("train.steps=[", "not a YAML value"),
    ],
)
def test_changes_that_make_no_sense_are_named(tmp_path: Path, change: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_recipe(write(tmp_path), [change])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"), [("a: [", "not YAML"), ("- 1", "not a recipe"), ("name: x", "data")]
)
def test_files_that_are_no_recipe_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_recipe(tmp_path / "none.yaml")


def test_the_recipes_of_the_repository_are_valid() -> None:
    found = sorted((Path(__file__).parents[2] / "distill/recipes").glob("*.yaml"))
    assert found
    for path in found:
        kind = CaptionRecipe if path.stem == "captioner" else Recipe
        assert read_as(kind, path).name == path.stem


def test_every_key_is_documented() -> None:
    text = Path("docs/recipes.md").read_text()

    def check(kind: type[msgspec.Struct]) -> None:
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in text, field.name
            if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                check(field.type)

    for kind in (Recipe, Inherit, MobileConfig, SeparableConfig, SeparableBlock, PatchConfig):
        check(kind)


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", MINIMAL + "train: {steps: 9, ema: 0.5}\naudio: {hidden: 4}\n")
    text = "extends: inner/recipe.yaml\nname: mine\ntrain: {steps: 7}\n"
    recipe = read_recipe(write(tmp_path, text), ["train.ema=0.25"])
    assert (recipe.name, recipe.train.steps, recipe.train.ema) == ("mine", 7, 0.25)
    assert recipe.data.manifests[0] == str(tmp_path / "inner/sounds/list.csv")
    body = "audio: {body: {family: inherit, macs: 0.2, source: made/large}}\n"
    recipe = read_recipe(write(tmp_path, text + body))
    assert recipe.audio.hidden == 4
    assert recipe.audio.body == Inherit(macs=0.2, source=str(tmp_path / "made/large"))
    write(tmp_path / "inner", MINIMAL + "audio: {body: {family: mobile, features: 64}}\n")
    assert read_recipe(write(tmp_path, text + body)).audio.body == recipe.audio.body


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("extends: none.yaml", "none.yaml: cannot be read"),
        ("extends: 3", "extends is 3; it must be the path of a recipe"),
        ("extends: recipe.yaml", "extends recipe.yaml, which extends it in turn"),
    ],
)
def test_a_recipe_that_extends_nothing_is_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_recipe(write(tmp_path, f"{MINIMAL}{line}\n"))
