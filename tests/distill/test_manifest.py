import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
import soundfile
from pyarrow import parquet

from tests.fakes import RATE, tone, write_tone
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
        ("m.xlsx", "", "not a manifest; it must be one of .csv, .jsonl, .parquet, .tar"),
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


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def sound(hz: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(hz, 0.5), RATE, format="FLAC")
    return file.getvalue()


def make_shard(path: Path) -> Path:
    """Two samples, as `webdataset.TarWriter` lays them out, and one without audio."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as archive:
        add(archive, "a/one.flac", sound(500))
        add(archive, "a/one.json", b'{"text": ["a hum", "a low tone"], "split": "dev", "n": 1}')
        add(archive, "a/note.txt", b"no audio")
        add(archive, "../b/one.txt", "a tone, höher".encode())
        add(archive, "../b/one.flac", sound(1000))
    return path


def test_the_samples_of_a_webdataset_shard_are_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "cache"))
    shard = make_shard(tmp_path / "data" / "000.tar")
    clips = read_manifest(shard)
    assert [(clip.captions, clip.split) for clip in clips] == [
        (("a hum", "a low tone"), "dev"),
        (("a tone, höher",), ""),
    ]
    assert [clip.file.read_bytes() for clip in clips] == [sound(500), sound(1000)]
    assert all((tmp_path / "cache") in clip.file.parents for clip in clips)
    assert read_manifest(shard) == clips
    write_tone(tmp_path / "data" / "loose.wav", "hum")
    assert read_manifest(shard.parent)[1:] == clips  # a folder of shards and files


@pytest.mark.parametrize("column", ["bytes", "struct"])
def test_audio_in_a_column_of_parquet_is_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "cache"))
    sounds = [sound(500), sound(1000)]
    given = [{"bytes": s, "path": "x/y.flac"} for s in sounds] if column == "struct" else sounds
    rows = [{"audio": one, "label": f"tone {n}"} for n, one in enumerate(given)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    clips = read_manifest(tmp_path / "m.parquet")
    assert [clip.labels for clip in clips] == [("tone 0",), ("tone 1",)]
    assert [clip.file.read_bytes() for clip in clips] == sounds


@pytest.mark.parametrize("left", [100, 1000, 2000])
def test_a_truncated_shard_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setenv("TINYALM_CACHE", str(tmp_path / "cache"))
    shard = make_shard(tmp_path / "data" / "000.tar")
    shard.write_bytes(shard.read_bytes()[:left])
    with pytest.raises(DataError, match=r"000\.tar: not a tar file, or truncated") as caught:
        read_manifest(shard)
    assert "\n" not in str(caught.value)
    make_shard(shard)
    assert len(read_manifest(shard)) == 2
