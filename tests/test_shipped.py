import pytest

import tinyalm
from tinyalm.bundle import read_bundle
from tinyalm.shipped import DEFAULT, find_bundle, shipped


def test_the_default_student_is_among_the_shipped():
    assert DEFAULT in shipped()
    assert tinyalm.load().manifest.name == DEFAULT


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_student_is_small_whole_and_says_where_it_comes_from(name):
    folder = find_bundle(name)
    manifest = read_bundle(folder)
    assert manifest.name == name
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    captioner = sum(size for name, size in sizes.items() if name.startswith("captioner"))
    assert sum(sizes.values()) - captioner <= 3_000_000
    assert captioner <= 3_000_000
    assert manifest.audio.precision == "int8"
    assert all(source.name and source.licence for source in manifest.provenance.data)


def test_a_folder_comes_before_a_shipped_student_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_bundle(DEFAULT).name == f"{DEFAULT}.tinyalm"
    (tmp_path / DEFAULT).mkdir()
    assert find_bundle(DEFAULT).name == DEFAULT
    assert find_bundle().name == f"{DEFAULT}.tinyalm"


def test_any_other_path_stays_as_it_is(tmp_path):
    for path in (tmp_path / DEFAULT, "no-such-student", "some/micro"):
        assert str(find_bundle(path)) == str(path)
