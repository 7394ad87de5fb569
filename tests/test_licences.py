"""What licences forbid, told from how people write them."""

import csv
from pathlib import Path

import pytest

from tinyalm.bundle import DataSource, Provenance, read_bundle
from tinyalm.errors import ExportError
from tinyalm.licences import TERMS, check_licences, terms, unstated
from tinyalm.shipped import find_bundle, shipped


@pytest.mark.parametrize(
    ("licence", "names"),
    [
        ("CC-BY-NC-4.0", ["CC-BY-NC"]),
        ("cc-by-nc-sa-4.0", ["CC-BY-NC-SA"]),
        ("CC BY-NC 3.0 (ESC-50)", ["CC-BY-NC"]),
        ("http://creativecommons.org/licenses/by-nc/3.0/", ["CC-BY-NC"]),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", ["CC-BY-NC-ND"]),
        ("CC-BY-ND-3.0", ["CC-BY-ND"]),
        ("http://creativecommons.org/licenses/sampling+/1.0/", ["LicenseRef-CC-Sampling-Plus"]),
        ("CC0-1.0, CC-BY-NC or Sampling+ per file", ["CC-BY-NC", "LicenseRef-CC-Sampling-Plus"]),
        ("Attribution-NonCommercial", ["LicenseRef-NonCommercial"]),
        ("NVIDIA OneWay Noncommercial License", ["LicenseRef-NonCommercial"]),
        ("for non-commercial use", ["LicenseRef-NonCommercial"]),
        ("research purposes only", ["LicenseRef-NonCommercial"]),
        ("Only academic uses are allowed", ["LicenseRef-NonCommercial"]),
        ("LicenseRef-Tampere-NonCommercial", ["LicenseRef-Tampere-NonCommercial"]),
        ("LicenseRef-YouTube; labels CC-BY-4.0", ["LicenseRef-YouTube"]),
        ("", ["NOASSERTION"]),
        ("not stated", ["NOASSERTION"]),
        ("unknown", ["NOASSERTION"]),
        ("other", ["NOASSERTION"]),
        ("None", ["NOASSERTION"]),
    ],
)
def test_what_forbids_something_is_found(licence: str, names: list[str]) -> None:
    assert [entry.name for entry in terms(licence)] == names


@pytest.mark.parametrize(
    "licence",
    [
        "CC0-1.0",
        "CC-BY-4.0",
        "CC BY-SA 3.0/4.0, CC0, CC BY, MIT per file",
        "GPL-2+ (plus per-file: other, public-domain, zlib)",
        "Copyright (C) 2003 - 2007 by David White <dave@whitevine.net>",
        "see /usr/share/doc/gltron/copyright",
        "Apache-2.0 (YAMNet, tensorflow/models); Apache-2.0 (all-MiniLM-L6-v2)",
        "ODbL-1.0",
        "recorded by NC State, CC0",
        "unknown-horizons: GPL-2+",
    ],
)
def test_what_forbids_nothing_is_not(licence: str) -> None:
    assert terms(licence) == []


@pytest.mark.parametrize("name", shipped())
def test_shipped_students_need_no_acceptance(name: str) -> None:
    check_licences(read_bundle(find_bundle(name)).provenance, ())


def test_the_demos_sounds_need_no_acceptance() -> None:
    with Path("distill/tinyalm_distill/demo_sounds.csv").open(newline="") as file:
        assert {name for row in csv.DictReader(file) for name in terms(row["licence"])} == set()


def test_the_documentation_lists_them_all() -> None:
    text = Path("docs/data.md").read_text(encoding="utf-8")
    assert all(f"| `{entry.name}` | {entry.says} |" in text for entry in TERMS)


def provenance(teacher: str, *data: str) -> Provenance:
    sources = [DataSource(name=f"s{i}", clips=1, licence=text) for i, text in enumerate(data)]
    return Provenance(teacher="t 1", teacher_licence=teacher, data=sources, created_by="tests")


def test_the_message_names_all_licences_whose_they_are_and_the_remedy() -> None:
    taught = provenance("CC-BY-NC-4.0", "CC0-1.0", "CC-BY-NC-3.0", "CC-BY-NC-ND-4.0")
    with pytest.raises(ExportError) as caught:
        check_licences(taught, ())
    assert str(caught.value) == (
        "licences that the student may inherit: CC-BY-NC, no commercial use "
        "(teacher t 1, data s1); CC-BY-NC-ND, no commercial use, no adaptations (data s2); if you "
        "may, add --accept-licence CC-BY-NC --accept-licence CC-BY-NC-ND"
    )
    with pytest.raises(ExportError, match=r"add --accept-licence CC-BY-NC-ND$"):
        check_licences(taught, ["CC-BY-NC-4.0"])
    with pytest.raises(ExportError, match="CC-BY-NC,"):
        check_licences(taught, ["CC-BY-NC-ND"])
    check_licences(taught, ["CC-BY-NC", "CC-BY-NC-ND"])


def test_what_is_not_stated_is_said_and_waits_for_nothing() -> None:
    taught = provenance("unknown", "CC0-1.0", "not stated")
    check_licences(taught, ())
    assert unstated(taught) == (
        "no licence is stated of teacher t 1, data s1; the model card says so"
    )
    assert unstated(provenance("MIT", "CC-BY-NC-4.0")) == ""


def test_many_sources_are_a_few_and_a_number() -> None:
    with pytest.raises(ExportError, match=r"\(data s0, data s1, data s2 and 2 more\)"):
        check_licences(provenance("MIT", *["CC-BY-NC-3.0"] * 5), ())
