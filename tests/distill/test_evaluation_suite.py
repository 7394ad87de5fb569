"""Miniature copies of the data sets, in the layouts that they are published in."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes import WORDS, write_tone
from tests.process import one_line, tinyalm
from tinyalm_distill.cli import evaluate
from tinyalm_distill.evaluation.suite.datasets import DATASETS, NAMES
from tinyalm_distill.manifest import Clip

pytestmark = pytest.mark.usefixtures("own_cache")


def sound(path: Path, word: str = "hum") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tone(path, word, seconds=0.5)


def write_csv(path: Path, rows: Sequence[Sequence[object]], comment: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        file.write(comment)
        csv.writer(file).writerows(rows)


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def esc50(root: Path) -> None:
    head = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    rows = []
    for fold in range(1, 6):
        for word in WORDS[:2]:
            name = f"{fold}-100032-A-{WORDS.index(word)}.wav"
            rows.append([name, fold, WORDS.index(word), word, "True", 100032, "A"])
            sound(root / "audio" / name, word)
    write_csv(root / "meta/esc50.csv", [head, *rows])


def urbansound8k(root: Path) -> None:
    head = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
    rows = [
        ["100032-3-0-0.wav", 100032, 0.0, 0.3, 1, 5, 3, "dog_bark"],
        ["100263-2-0-117.wav", 100263, 58.5, 62.5, 1, 10, 2, "children_playing"],
    ]
    write_csv(root / "metadata/UrbanSound8K.csv", [head, *rows])
    for row in rows:
        sound(root / f"audio/fold{row[5]}" / str(row[0]))


def fsd50k(root: Path) -> None:
    truth = root / "FSD50K.ground_truth"
    mids = "/m/02sgy,/m/0342h"
    write_csv(
        truth / "dev.csv",
        [
            ["fname", "labels", "mids", "split"],
            [64760, "Electric_guitar,Guitar", mids, "train"],
            [16399, "Bark", mids, "val"],
        ],
    )
    write_csv(
        truth / "eval.csv",
        [["fname", "labels", "mids"], [37199, "Chewing_and_mastication,Bark", mids]],
    )
    for part, name in (("dev", 64760), ("dev", 16399), ("eval", 37199)):
        sound(root / f"FSD50K.{part}_audio/{name}.wav")


def audioset(root: Path) -> None:
    names = [
        ["index", "mid", "display_name"],
        [0, "/m/09x0r", "Speech"],
        [1, "/m/05zppz", "Male speech, man speaking"],
    ]
    write_csv(root / "class_labels_indices.csv", names)
    (root / "eval_segments.csv").write_text(
        "# Segments csv created Sun Mar  5 10:54:25 2017\n"
        "# num_ytids=20371, num_segs=20371, num_unique_labels=527, num_positive_labels=51804\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        '--4gqARaEJE, 0.000, 10.000, "/m/09x0r,/m/05zppz"\n'
        '--BfvyPmVMo, 20.000, 30.000, "/m/09x0r"\n'
    )
    sound(root / "eval/Y--4gqARaEJE.wav")


def vggsound(root: Path) -> None:
    rows = [
        ["---g-f_I2yQ", 1, "people marching", "test"],
        ["--0PQM4-hqg", 30, "waterfall burbling", "train"],
    ]
    write_csv(root / "vggsound.csv", rows)
    sound(root / "audio/---g-f_I2yQ_000001.wav")
    sound(root / "audio/--0PQM4-hqg_000030.wav")


def tut2017(root: Path) -> None:
    places = ["beach", "city_center", "cafe/restaurant", "forest_path"]
    meta, setup = [], root / "evaluation_setup"
    setup.mkdir(parents=True)
    for number, place in enumerate(places, start=1):
        name = f"audio/b0{number}0_0_10.wav"
        meta.append(f"{name}\t{place}\tb0{number}0\n")
        (setup / f"fold{number}_evaluate.txt").write_text(f"{name}\t{place}\n")
        sound(root / name)
    (root / "meta.txt").write_text("".join(meta))


def gtzan(root: Path) -> None:
    for genre in ("blues", "hiphop"):
        for number in range(10):
            sound(root / f"genres_original/{genre}/{genre}.{number:05d}.wav")
    (root / "features_30_sec.csv").write_text("filename,length\n")


def nsynth(root: Path) -> None:
    for split, note, family in (
        ("test", "bass_synthetic_068-049-025", "bass"),
        ("valid", "synth_lead_synthetic_000-024-127", "synth_lead"),
    ):
        entry = {"note_str": note, "instrument_family_str": family, "pitch": 49}
        write_json(root / f"nsynth-{split}/examples.json", {note: entry})
        sound(root / f"nsynth-{split}/audio/{note}.wav")


def vocalsound(root: Path) -> None:
    for file, name in (
        ("tr", "f0003_0_cough"),
        ("val", "m0004_0_throatclearing"),
        ("te", "f0005_0_sigh"),
    ):
        entry = {"wav": f"/data/somewhere/audio_16k/{name}.wav", "labels": "/m/01b_21"}
        write_json(root / f"datafiles/{file}.json", {"data": [entry]})
        sound(root / f"audio_16k/{name}.wav")


def cremad(root: Path) -> None:
    for name in ("1001_DFA_ANG_XX", "1002_IEO_HAP_HI", "1091_WSI_NEU_XX"):
        sound(root / f"AudioWAV/{name}.wav")


def clotho(root: Path) -> None:
    head = ["file_name", *(f"caption_{number}" for number in range(1, 6))]
    captions = [f"A {word}, and rain" for word in WORDS[:5]]
    write_csv(root / "clotho_captions_evaluation.csv", [head, ["Santa Motor.wav", *captions]])
    sound(root / "evaluation/Santa Motor.wav")


def audiocaps(root: Path) -> None:
    head = ["audiocap_id", "youtube_id", "start_time", "caption"]
    rows = [
        [103549, "7fmOlUlwoNg", 0, "Constant rattling noise and sharp vibrations"],
        [103548, "7fmOlUlwoNg", 0, "A rocket flies by, then it explodes"],
        [103541, "6BJ455B1aAs", 40, "Humming"],
    ]
    write_csv(root / "dataset/test.csv", [head, *rows])
    sound(root / "audio/7fmOlUlwoNg.wav")
    sound(root / "audio/6BJ455B1aAs_40.wav")


MAKERS: dict[str, Callable[[Path], None]] = {
    "esc50": esc50,
    "urbansound8k": urbansound8k,
    "fsd50k": fsd50k,
    "audioset": audioset,
    "vggsound": vggsound,
    "tut2017": tut2017,
    "gtzan": gtzan,
    "nsynth": nsynth,
    "vocalsound": vocalsound,
    "cremad": cremad,
    "clotho": clotho,
    "audiocaps": audiocaps,
}

# Labels or captions with the split, of all clips or of the first few.
WANTED: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "esc50": [(("hum",), "1"), (("buzz",), "1"), (("hum",), "2")],
    "urbansound8k": [(("dog bark",), "5"), (("children playing",), "10")],
    "fsd50k": [
        (("Electric guitar", "Guitar"), "train"),
        (("Bark",), "val"),
        (("Chewing and mastication", "Bark"), "test"),
    ],
    "audioset": [(("Speech", "Male speech, man speaking"), "test"), (("Speech",), "test")],
    "vggsound": [(("people marching",), "test"), (("waterfall burbling",), "train")],
    "tut2017": [
        (("beach",), "1"),
        (("city center",), "2"),
        (("cafe/restaurant",), "3"),
        (("forest path",), "4"),
    ],
    "gtzan": [*[(("blues",), "")] * 10, *[(("hip hop",), "")] * 10],
    "nsynth": [(("synth lead",), "valid"), (("bass",), "test")],
    "vocalsound": [(("cough",), "train"), (("throat clearing",), "val"), (("sigh",), "test")],
    "cremad": [(("angry",), "2"), (("happy",), "3"), (("neutral",), "2")],
    "clotho": [(tuple(f"A {word}, and rain" for word in WORDS[:5]), "test")],
    "audiocaps": [
        (
            (
                "Constant rattling noise and sharp vibrations",
                "A rocket flies by, then it explodes",
            ),
            "test",
        ),
        (("Humming",), "test"),
    ],
}


def read(name: str, root: Path) -> list[Clip]:
    dataset = next(one for one in DATASETS if one.name == name)
    MAKERS[name](root / dataset.folders[0])
    folder = dataset.find(root)
    assert folder is not None
    return dataset.read(folder)


def test_every_data_set_is_tested_here() -> None:
    assert set(NAMES) == set(MAKERS) == set(WANTED)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_layout_is_read(name: str, tmp_path: Path) -> None:
    clips = read(name, tmp_path)
    found = [(clip.captions or clip.labels, clip.split) for clip in clips]
    assert found[: len(WANTED[name])] == WANTED[name]
    there = [clip.file.is_file() for clip in clips]
    # One of AudioSet's videos is gone.
    assert there == ([True, False] if name == "audioset" else [True] * len(clips))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_the_data_set_is_one_line(name: str, tmp_path: Path, bundle: Path) -> None:
    dataset = next(one for one in DATASETS if one.name == name)
    (tmp_path / dataset.folders[-1]).mkdir()
    arguments = ["suite", "--data-root", str(tmp_path), "--dataset", name, "--bundle", str(bundle)]
    ran = CliRunner().invoke(evaluate, arguments)
    assert ran.exit_code == 0, ran.output
    (line,) = ran.stdout.splitlines()
    assert line.startswith(f"{name}: skipped: {tmp_path}")
    assert "is missing; the folder is not as published" in line


def test_the_suite_measures_what_is_there(tmp_path: Path, bundle: Path) -> None:
    for name, folder in (("esc50", "ESC-50-master"), ("audiocaps", "audiocaps")):
        MAKERS[name](tmp_path / "data" / folder)
    MAKERS["audioset"](tmp_path / "data/AudioSet")
    options = ["--bundle", str(bundle), "--against", str(bundle), "--probe", "--json"]
    out = tmp_path / "out"
    arguments = ["--data-root", str(tmp_path / "data"), *options, "--out", str(out)]
    ran = CliRunner().invoke(evaluate, ["suite", *arguments])
    assert ran.exit_code == 0, ran.output
    entries = {entry["dataset"]: entry for entry in map(json.loads, ran.stdout.splitlines())}
    assert tuple(entries) == NAMES
    esc = entries["esc50"]
    assert (esc["published"], esc["on_disk"]) == (10, 10)
    zero_shot, probe = esc["results"]
    assert zero_shot["facts"]["templates"] == ["This is a sound of {}"]
    assert zero_shot["figures"]["top-1"]["value"] == 1
    assert zero_shot["figures"]["top-1"]["retention"]["value"] == 1
    assert (probe["measure"], probe["facts"]["folds"], probe["clips"]) == ("probe", 5, 10)
    (retrieval,) = entries["audiocaps"]["results"]
    assert retrieval["facts"]["captions"] == 3
    (labels,) = entries["audioset"]["results"]  # no probe: nothing to train it on
    assert (entries["audioset"]["published"], entries["audioset"]["on_disk"]) == (2, 1)
    assert labels["facts"]["labels"] == 2
    assert entries["gtzan"]["skipped"].endswith("has no folder GTZAN or gtzan or genres")
    page = (out / "suite.md").read_text()
    assert "- gtzan: skipped: " in page
    assert "| tones.tinyalm | 1.000 [1.000, 1.000] |" in page
    assert (out / "suite.png").read_bytes().startswith(b"\x89PNG")
    assert [one["dataset"] for one in json.loads((out / "suite.json").read_text())] == list(NAMES)


def test_a_root_that_is_not_there_ends_in_one_line(tmp_path: Path, bundle: Path) -> None:
    ran = tinyalm("eval", "suite", "--data-root", tmp_path / "gone", "--bundle", bundle)
    assert ran.returncode == 2
    assert "gone: no such folder" in one_line(ran.stderr)
