import re
from pathlib import Path

import msgspec
import pytest

from tinyalm.bundle import (
    FORMAT_VERSION,
    BundleManifest,
    Calibration,
    CaptionInfo,
    DataSource,
    FileInfo,
    GraphInfo,
    ParityRow,
    Provenance,
    TensorInfo,
    TextInfo,
)
from tinyalm.frontend import LogMelSpec, MelBand
from tinyalm.windows import WindowRule

DOCS = Path(__file__).parents[1] / "docs" / "bundle.md"
SECTIONS = {
    "The manifest": [BundleManifest],
    "`frontend`": [LogMelSpec, MelBand],
    "`windows`": [WindowRule],
    "`audio`, `features`, and `graph` within `text`": [GraphInfo, TensorInfo],
    "`text`": [TextInfo],
    "`caption`": [CaptionInfo],
    "`calibration`": [Calibration],
    "`parity`": [ParityRow],
    "`provenance`": [Provenance, DataSource],
    "`files`": [FileInfo],
}


@pytest.fixture(scope="module")
def sections():
    """Text of each third-level section by title."""
    parts = re.split(r"^#{1,3} (.+)\n", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("title", SECTIONS)
def test_every_field_is_described_in_its_section_and_no_other(sections, title):
    fields = {name for struct in SECTIONS[title] for name in struct.__struct_fields__}
    described = set(re.findall(r"`(\w+)`", sections[title]))
    assert fields <= described
    in_table = set(re.findall(r"^\| `(\w+)` \|", sections[title], flags=re.MULTILINE))
    assert in_table <= fields


def test_no_struct_of_the_manifest_is_left_out():
    known = {struct for structs in SECTIONS.values() for struct in structs}
    found = set()

    def visit(info):
        if isinstance(info, msgspec.inspect.StructType):
            found.add(info.cls)
            for field in info.fields:
                visit(field.type)
        for name in ("types", "item_type", "key_type", "value_type"):
            inner = getattr(info, name, ())
            for part in inner if isinstance(inner, tuple) else (inner,):
                visit(part)

    visit(msgspec.inspect.type_info(BundleManifest))
    assert found == known


def test_the_format_version_is_the_one_that_is_written(sections):
    assert f"`format_version` is {FORMAT_VERSION}." in sections["Rules"]
