import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tinyalm.errors import DataError, FetchError
from tinyalm_distill.manifest import Clip, read_clips, read_manifest

ROWS = [
    {"file": "a.wav", "start_s": 1.5, "end_s": 3, "label": "dog| rain ", "split": "train"},
    {"file": "sub/b.ogg", "caption": "a car passes|traffic", "source": "street", "licence": "CC0"},
]
CLIPS = [
    {"start_s": 1.5, "end_s": 3.0, "labels": ("dog", "rain"), "split": "train", "source": "here"},
    {"captions": ("a car passes", "traffic"), "source": "street", "licence": "CC0"},
]


def write(folder: Path, kind: str) -> Path:
    path = folder / f"list.{kind}"
    keys = ["file", "start_s", "end_s", "label", "caption", "split", "source", "licence"]
    if kind == "csv":
        lines = [",".join(keys), *(",".join(str(r.get(k, "")) for k in keys) for r in ROWS)]
        path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    else:
        parquet.write_table(pa.Table.from_pylist([{k: r.get(k) for k in keys} for r in ROWS]), path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_gives_the_same_clips(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    expected = [
        Clip(file=folder / row["file"], **fields) for row, fields in zip(ROWS, CLIPS, strict=True)
    ]
    assert read_manifest(write(folder, kind)) == expected


def test_lists_of_labels_are_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"file": "a.wav", "label": ["dog", "cat"]}')
    assert read_manifest(path)[0].labels == ("dog", "cat")


def test_a_folder_is_its_audio_files_in_order(tmp_path: Path) -> None:
    for name in ("b.wav", "A/c.FLAC", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [c.file.name for c in read_manifest(tmp_path)] == ["c.FLAC", "b.wav"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("m.csv", "path,label\na.wav,dog\n", "row 1 has no 'file' (it has path, label)"),
        ("m.csv", "file\n", "holds no rows"),
        ("m.csv", "file,start_s\na.wav,-1\n", "row 1: start_s is '-1'"),
        ("m.csv", "file,start_s\na.wav,soon\n", "row 1: start_s is 'soon'"),
        ("m.csv", "file,start_s,end_s\na.wav,2,1\n", "row 1: end_s 1 is not after start_s 2"),
        ("m.csv", b"file\n\xff\xfe\n", "cannot be read as a manifest"),
        ("m.jsonl", "{nonsense\n", "cannot be read as a manifest"),
        ("m.parquet", "not parquet", "cannot be read as a manifest"),
        ("m.xlsx", "", "not a manifest; it must be one of .csv, .jsonl, .parquet"),
    ],
)
def test_what_makes_no_sense_is_named(
    tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_manifests_folders_and_splits_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such manifest or folder"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no audio files"):
        read_manifest(tmp_path)
    (tmp_path / "m.csv").write_text("file,split\na.wav,train\n")
    with pytest.raises(DataError, match="no clips of split 'dev'"):
        read_clips(str(tmp_path / "m.csv"), "dev")


def test_assets_name_their_clips_once_they_are_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path))
    with pytest.raises(FetchError, match="tinyalm distill pull demo-sounds"):
        read_clips("asset:demo-sounds")
    with pytest.raises(DataError, match="not sounds"):
        read_clips("asset:yamnet-minilm")
