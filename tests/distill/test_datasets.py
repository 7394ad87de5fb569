"""Published data sets as clips and manifests, from miniature copies of their layouts."""

from pathlib import Path

import pytest

from tests.distill.published import MAKERS
from tests.fakes import WORDS
from tests.process import one_line, tinyalm
from tinyalm.errors import ConfigError, DataError
from tinyalm.licences import terms
from tinyalm_distill.datasets.registry import DATASETS, dataset
from tinyalm_distill.manifest import Clip, read_manifest
from tinyalm_distill.manifest_file import write_manifest

NAMES = tuple(one.name for one in DATASETS)
FIVE = tuple(f"A {word}, and rain" for word in WORDS[:5])
NC, TAMPERE = "CC-BY-NC-3.0", "LicenseRef-Tampere-NonCommercial"
ZERO_TAMPERE = f"CC0-1.0; captions {TAMPERE}"
VIDEO = "LicenseRef-YouTube; labels CC-BY-4.0"
VIDEO_MIT = "LicenseRef-YouTube; captions MIT"
ACADEMIC = "LicenseRef-WavCaps-AcademicOnly; recordings: "
SPEECH, FEET = "Male speech, man speaking", "Walk, footsteps"

# Labels or captions, split and licence of all clips or of the first few.
WANTED: dict[str, list[tuple[tuple[str, ...], str, str]]] = {
    "audiocaps": [
        (("A woman talks",), "train", VIDEO_MIT),
        (
            (
                "Constant rattling noise and sharp vibrations",
                "A rocket flies by, then it explodes",
            ),
            "test",
            VIDEO_MIT,
        ),
        (("Humming",), "test", VIDEO_MIT),
    ],
    "audioset": [
        (("Speech",), "train", VIDEO),
        (("Speech", SPEECH), "test", VIDEO),
        (("Speech",), "test", VIDEO),
    ],
    "audioset-strong": [
        (("Cheering",), "train", VIDEO),
        (("Cheering",), "test", VIDEO),
        ((SPEECH,), "test", VIDEO),
    ],
    "clotho": [
        (FIVE, "train", ZERO_TAMPERE),
        (FIVE, "train", ZERO_TAMPERE),
        (FIVE, "test", ZERO_TAMPERE),
    ],
    "cremad": [
        (("angry",), "2", "ODbL-1.0"),
        (("happy",), "3", "ODbL-1.0"),
        (("neutral",), "2", "ODbL-1.0"),
    ],
    "esc50": [(("hum",), "1", "CC-BY-3.0"), (("buzz",), "1", NC), (("hum",), "2", "CC-BY-3.0")],
    "fsd50k": [
        (("Electric guitar", "Guitar"), "train", "CC-BY-3.0"),
        (("Bark",), "val", "CC-BY-NC-4.0"),
        (("Chewing and mastication", "Bark"), "test", "LicenseRef-CC-Sampling-Plus-1.0"),
    ],
    "fsdnoisy18k": [
        (("Acoustic guitar",), "train", "CC0-1.0"),
        (("Rain",), "train", "CC0-1.0 or CC-BY-3.0, each clip its own; data set CC-BY-4.0"),
        ((FEET,), "test", "CC0-1.0"),
    ],
    "gtzan": [
        *[(("blues",), "", "not stated (excerpts of published music)")] * 10,
        *[(("hip hop",), "", "not stated (excerpts of published music)")] * 10,
    ],
    "macs": [
        (("people talking at the airport", "the sound of suitcases rolling"), "", TAMPERE),
    ],
    "nsynth": [(("synth lead",), "valid", "CC-BY-4.0"), (("bass",), "test", "CC-BY-4.0")],
    "tut2017": [
        (("beach",), "1", TAMPERE),
        (("city center",), "2", TAMPERE),
        (("cafe/restaurant",), "3", TAMPERE),
        (("forest path",), "4", TAMPERE),
    ],
    "urbansound8k": [(("dog bark",), "5", NC), (("children playing",), "10", NC)],
    "vggsound": [
        (("people marching",), "test", VIDEO),
        (("waterfall burbling",), "train", VIDEO),
    ],
    "vocalsound": [
        (("cough",), "train", "CC-BY-SA-4.0"),
        (("throat clearing",), "val", "CC-BY-SA-4.0"),
        (("sigh",), "test", "CC-BY-SA-4.0"),
    ],
    "wavcaps": [
        (("Wind and a man.",), "train", f"{ACADEMIC}LicenseRef-YouTube"),
        (("A traditional ringtone.",), "train", f"{ACADEMIC}each by its page on freesound.org"),
        (("An airplane is landing.",), "train", f"{ACADEMIC}each by its page on soundbible.com"),
    ],
}


def read(name: str, root: Path) -> list[Clip]:
    MAKERS[name](root / name)
    return dataset(name).clips(root / name)


def test_every_data_set_is_tested_here() -> None:
    assert set(NAMES) == set(MAKERS) == set(WANTED)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_layout_is_read(name: str, tmp_path: Path) -> None:
    clips = read(name, tmp_path)
    found = [(clip.captions or clip.labels, clip.split, clip.licence) for clip in clips]
    assert found[: len(WANTED[name])] == WANTED[name]
    assert {clip.source for clip in clips} == {name}
    missing = [clip.file.name for clip in clips if not clip.file.is_file()]
    assert missing == (["--BfvyPmVMo.wav"] if name == "audioset" else [])  # a video that is gone


def test_no_two_clips_share_a_recording_that_is_not_theirs(tmp_path: Path) -> None:
    """WavCaps numbers the sounds of each source on its own."""
    files = [clip.file.relative_to(tmp_path).as_posix() for clip in read("wavcaps", tmp_path)]
    assert files == [
        "wavcaps/Audio/AudioSet_SL/Yb0RFKhbpFJA.flac",
        "wavcaps/Audio/FreeSound/2219.flac",
        "wavcaps/Audio/SoundBible_flac/2219.flac",
    ]


def test_strong_labels_are_parts_of_recordings(tmp_path: Path) -> None:
    parts = [(clip.start_s, clip.end_s) for clip in read("audioset-strong", tmp_path)]
    # What lasts to the segment's end lasts to that of its file, which may be a little shorter.
    assert parts == [(0.5, 1.25), (2.627, 7.237), (0.0, None)]


def test_several_annotators_tags_are_labels_once(tmp_path: Path) -> None:
    (clip,) = read("macs", tmp_path)
    assert clip.labels == ("adults talking", "footsteps")


@pytest.mark.parametrize(
    ("name", "folder"), [("fsd50k", "FSD50K.metadata"), ("fsdnoisy18k", "FSDnoisy18k.doc")]
)
def test_without_the_list_of_licences_the_worst_is_assumed(
    name: str, folder: str, tmp_path: Path
) -> None:
    MAKERS[name](tmp_path / name)
    for file in (tmp_path / name / folder).iterdir():
        file.unlink()
    clips = dataset(name).clips(tmp_path / name)
    assert {clip.licence for clip in clips} == {dataset(name).licence}


def test_licences_say_what_they_forbid() -> None:
    """The table's words and what export asks for agree."""
    free = {one.name for one in DATASETS if not terms(one.licence)}
    assert free == {"cremad", "fsdnoisy18k", "nsynth", "vocalsound"}
    assert free == {one.name for one in DATASETS if one.commercial == "yes"}


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_says_where_it_comes_from(name: str) -> None:
    one = dataset(name)
    row = f"| `{name}` | {one.homepage} | {one.licence} | {one.commercial} | {one.copies} |"
    assert row in Path("docs/data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_it_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing; the folder is not as published"):
        dataset(name).clips(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        dataset(name).clips(tmp_path / "gone")


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("esc50", "meta/esc50.csv", "name,class\na.wav,dog\n"),
        ("audioset", "class_labels_indices.csv", "index,mid,display_name\n"),
        ("cremad", "AudioWAV/odd.wav", ""),
        ("macs", "MACS.yaml", "- 1\n"),
        ("wavcaps", "json_files/SoundBible/sb_final.json", '{"data": [3]}'),
        ("nsynth", "nsynth-test/examples.json", '{"a": 1}'),
        ("nsynth", "nsynth-test/examples.json", "nonsense"),
        ("macs", "MACS.yaml", "a: [\n"),
    ],
)
def test_what_is_not_as_published_is_one_line(
    name: str, file: str, content: str, tmp_path: Path
) -> None:
    root = tmp_path / name
    MAKERS[name](root)
    (root / file).write_text(content)
    with pytest.raises(DataError) as caught:
        dataset(name).clips(root)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_none_finds_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'fsd50k'"):
        dataset("FSD-50K")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_manifest_is_read_as_it_was_written(suffix: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "here/a.wav", tmp_path / "there/b, c.wav"
    clips = [
        Clip(file=inside, labels=("dog, barking", "rain"), split="train", licence="CC0-1.0"),
        Clip(file=outside, start_s=1.25, end_s=2.5, captions=('a "big" car',), source="street"),
    ]
    path = tmp_path / f"here/list{suffix}"
    write_manifest(path, clips)
    read_back = read_manifest(path)
    assert read_back[0].source == "here"  # where none is given, the folder's name
    assert [*read_back] == [Clip(**{**as_fields(clips[0]), "source": "here"}), clips[1]]
    (tmp_path / "here").rename(tmp_path / "moved")
    assert read_manifest(tmp_path / f"moved/list{suffix}")[0].file == tmp_path / "moved/a.wav"


def as_fields(clip: Clip) -> dict[str, object]:
    return {name: getattr(clip, name) for name in Clip.__struct_fields__}


def test_the_command_writes_what_is_there(tmp_path: Path) -> None:
    MAKERS["audioset"](tmp_path / "set")
    out = tmp_path / "audioset.jsonl"
    ran = tinyalm("distill", "dataset", "audioset", tmp_path / "set", "--out", out)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "audioset: 2 of 3 published clips are on disk",
        f"licence of 2 clips: {VIDEO}",
        f"manifest: {out}",
    ]
    clips = read_manifest(out)
    assert [(clip.labels[0], clip.split, clip.licence) for clip in clips] == [
        ("Speech", "train", VIDEO),
        ("Speech", "test", VIDEO),
    ]
    ran = tinyalm("distill", "dataset", "--list")
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["NAME", *NAMES]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("esc51", ".", "--out", "m.csv"), "did you mean 'esc50'"),
        (("esc50", "gone", "--out", "m.csv"), "gone: no such folder"),
        (("esc50", "empty", "--out", "m.csv"), "esc50.csv is missing"),
        (("esc50", "empty", "--out", "m.txt"), "m.txt: a manifest ends in one of .csv"),
        (("vggsound", "lost", "--out", "m.csv"), "none of the 2 recordings of vggsound is there"),
        (("vggsound", "set", "--out", "file/m.csv"), "file/m.csv: cannot be written"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    MAKERS["vggsound"](tmp_path / "set")
    MAKERS["vggsound"](tmp_path / "lost")
    for recording in (tmp_path / "lost/audio").iterdir():
        recording.unlink()
    ran = tinyalm("distill", "dataset", *arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert says in one_line(ran.stderr)
