import json
import shutil

import pytest

from tests.fakes import graph_info, make_bundle
from tinyalm.bundle import FORMAT_VERSION, MANIFEST, FileInfo, read_bundle, write_bundle
from tinyalm.errors import BundleError

FILES = ("audio.onnx", "frontend.logmel", "text.onnx", "tokenizer.json")


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy.tinyalm")


def edit(folder, change):
    """Apply ``change`` to the manifest as plain data."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def refused(path):
    """The one-line message with which ``path`` is refused."""
    with pytest.raises(BundleError) as error:
        read_bundle(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_what_is_written_is_read(bundle):
    manifest = read_bundle(bundle)
    assert manifest.format_version == FORMAT_VERSION
    assert set(manifest.files) == set(FILES)
    assert all(
        info.bytes == (bundle / name).stat().st_size for name, info in manifest.files.items()
    )


@pytest.mark.parametrize("name", ["nowhere.tinyalm", "empty.tinyalm", "file.tinyalm"])
def test_what_is_no_bundle_says_how_to_make_one(tmp_path, name):
    (tmp_path / "empty.tinyalm").mkdir()
    (tmp_path / "file.tinyalm").write_text("no bundle")
    message = refused(tmp_path / name)
    assert "no bundle here (bundle.json is missing); make one with 'tinyalm export" in message


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    assert refused(copy).startswith(f"{copy / name}: missing from the bundle; export")


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_is_found(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert refused(copy).startswith(
        f"{copy / name}: altered since the bundle was made (wrong hash)"
    )


def test_a_truncated_file_is_found(copy):
    (copy / "audio.onnx").write_bytes((copy / "audio.onnx").read_bytes()[:-1])
    assert "altered" in refused(copy)


@pytest.mark.parametrize(
    ("version", "remedy"), [(FORMAT_VERSION + 1, "update tinyalm"), (1, "export the bundle again")]
)
def test_another_format_version_is_refused_before_its_fields_are_read(copy, version, remedy):
    (copy / MANIFEST).write_text(json.dumps({"format_version": version, "shape": "unheard of"}))
    message = refused(copy)
    assert f"format version {version}, and this tinyalm reads {FORMAT_VERSION}; {remedy}" in message


@pytest.mark.parametrize(
    "name", ["../outside.onnx", "/etc/hostname", "a/../../outside.onnx", "..\\x.onnx", "C:x.onnx"]
)
def test_a_path_out_of_the_bundle_is_refused(copy, name):
    (copy.parent / "outside.onnx").write_bytes(b"")
    edit(copy, lambda m: m["files"].update({name: {"bytes": 0, "sha256": ""}}))
    assert f"lists {name!r}, a path outside the bundle; do not trust it" in refused(copy)


def test_a_link_out_of_the_bundle_is_refused(copy):
    content = (copy / "audio.onnx").read_bytes()
    (copy.parent / "outside.onnx").write_bytes(content)
    (copy / "audio.onnx").unlink()
    (copy / "audio.onnx").symlink_to("../outside.onnx")
    assert "lists 'audio.onnx', a path outside the bundle" in refused(copy)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format_version": "1"}'])
def test_a_manifest_that_is_none_is_refused(copy, content):
    (copy / MANIFEST).write_bytes(content)
    assert f"{MANIFEST}: not a bundle manifest (" in refused(copy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(colour="red"), "colour"),
        (lambda m: m["frontend"].update(hop=160), "hop"),
        (lambda m: m.pop("embedding_dim"), "embedding_dim"),
        (lambda m: m.update(embedding_dim="eight"), "$.embedding_dim"),
        (lambda m: m["frontend"].update(n_mels=0), "n_mels"),
        (lambda m: m["windows"].update(hop_s=99), "hop_s"),
    ],
)
def test_a_manifest_field_that_makes_no_sense_is_named(copy, change, said):
    edit(copy, change)
    message = refused(copy)
    assert said in message
    assert "export the bundle again" in message


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_nobody_vouches_for_is_not_used(copy, name):
    edit(copy, lambda m: m["files"].pop(name))
    assert f"{name} is used but not listed in files" in refused(copy)


def test_a_graph_of_features_must_be_listed_too(tmp_path):
    features = graph_info("features.onnx", [("log_mel", "float32", ["batch", "frames", 64])])
    with_features = make_bundle(tmp_path / "features.tinyalm", features=features)
    assert "features.onnx is used but not listed in files" in refused(with_features)


def test_a_bundle_is_replaced_whole_or_not_at_all(bundle, tmp_path):
    target = make_bundle(tmp_path / "x.tinyalm", name="before")
    manifest = read_bundle(bundle)

    def fail(folder):
        (folder / "audio.onnx").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_bundle(target, manifest, fail)
    assert read_bundle(target).name == "before"
    assert list(tmp_path.iterdir()) == [target]
    make_bundle(target, name="after")
    assert read_bundle(target).name == "after"


def test_nothing_but_a_bundle_is_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="mine: exists and is no bundle; choose another name"):
        make_bundle(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_the_same_files_give_the_same_manifest(bundle, tmp_path):
    again = make_bundle(tmp_path / "again.tinyalm")
    assert (again / MANIFEST).read_bytes() == (bundle / MANIFEST).read_bytes()
    info = read_bundle(again).files["tokenizer.json"]
    assert isinstance(info, FileInfo)
    assert len(info.sha256) == 64
