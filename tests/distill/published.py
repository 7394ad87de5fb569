"""Miniature copies of the data sets, in the layouts that they are published in."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fakes import WORDS, write_tone


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
            esc10 = str(word == WORDS[0])
            rows.append([name, fold, WORDS.index(word), word, esc10, 100032, "A"])
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
    about = root / "FSD50K.metadata"
    clip = {"title": "guitar", "description": "", "tags": ["guitar"], "uploader": "someone"}
    by = {**clip, "license": "http://creativecommons.org/licenses/by/3.0/"}
    nc = {**clip, "license": "http://creativecommons.org/licenses/by-nc/4.0/"}
    plus = {**clip, "license": "http://creativecommons.org/licenses/sampling+/1.0/"}
    write_json(about / "dev_clips_info_FSD50K.json", {"64760": by, "16399": nc})
    write_json(about / "eval_clips_info_FSD50K.json", {"37199": plus})


def fsdnoisy18k(root: Path) -> None:
    head = ["fname", "label", "aso_id"]
    test = [["564.wav", "Walk_or_footsteps", "/m/07pbtc8"]]
    train = [["17.wav", "Acoustic_guitar", "/m/042v_gx", 0, 1], ["41.wav", "Rain", "/m/06", 1, 0]]
    meta = root / "FSDnoisy18k.meta"
    write_csv(meta / "test.csv", [head, *test])
    write_csv(meta / "train.csv", [[*head, "manually_verified", "noisy_small"], *train])
    zero = "http://creativecommons.org/publicdomain/zero/1.0/"
    write_csv(
        root / "FSDnoisy18k.doc/LICENSE-INDIVIDUAL-CLIPS.csv",
        [["fname", "license"], ["17.wav", zero], ["564.wav", zero]],
    )
    for part, name in (("test", "564"), ("train", "17"), ("train", "41")):
        sound(root / f"FSDnoisy18k.audio_{part}/{name}.wav")


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
    (root / "balanced_train_segments.csv").write_text(
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        '--aE2O5G5WE, 0.000, 10.000, "/m/09x0r"\n'
    )
    sound(root / "eval/Y--4gqARaEJE.wav")
    sound(root / "balanced/--aE2O5G5WE.wav")


def audioset_strong(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "mid_to_display_name.tsv").write_text(
        "/m/053hz1\tCheering\n/m/05zppz\tMale speech, man speaking\n"
    )
    head = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    (root / "audioset_eval_strong.tsv").write_text(
        f"{head}s9d-2nhuJCQ_30000\t2.627\t7.237\t/m/053hz1\n"
        "s9d-2nhuJCQ_30000\t0.000\t10.000\t/m/05zppz\n"
    )
    (root / "audioset_train_strong.tsv").write_text(f"{head}b0RFKhbpFJA_0\t0.5\t1.25\t/m/053hz1\n")
    sound(root / "eval/s9d-2nhuJCQ_30000.wav")
    sound(root / "train/Yb0RFKhbpFJA.wav")


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
    # Some of its names begin with a blank or a number sign, and are not in ASCII.
    names = {"development": [" Ambience Birds.wav", "#11 Tram.wav"], "evaluation": ["Café.wav"]}
    about = ["file_name", "keywords", "sound_id", "sound_link", "start_end_samples"]
    about += ["manufacturer", "license"]
    zero = "http://creativecommons.org/publicdomain/zero/1.0/"
    for part, files in names.items():
        write_csv(
            root / f"clotho_captions_{part}.csv", [head, *([name, *captions] for name in files)]
        )
        rows = [[name, "a;b", 1, "https://freesound.org/1", "", "x", zero] for name in files]
        metadata = root / f"clotho_metadata_{part}.csv"
        write_csv(metadata, [about, *rows])
        metadata.write_bytes(metadata.read_text(encoding="utf-8").encode("latin-1"))
        for name in files:
            sound(root / part / name)


def macs(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "MACS.yaml").write_text(
        "files:\n"
        "- filename: airport-barcelona-0-0-a.wav\n"
        "  annotations:\n"
        "  - annotator_id: 100\n"
        "    sentence: people talking at the airport\n"
        "    tags:\n"
        "    - adults_talking\n"
        "    - footsteps\n"
        "  - annotator_id: 34\n"
        "    sentence: the sound of suitcases rolling\n"
        "    tags:\n"
        "    - footsteps\n"
    )
    sound(root / "TAU-urban-acoustic-scenes-2019-development/audio/airport-barcelona-0-0-a.wav")


def wavcaps(root: Path) -> None:
    lists = {
        "SoundBible/sb_final.json": {"id": "2219", "caption": "An airplane is landing."},
        "FreeSound/fsd_final.json": {"id": "2219", "caption": "A traditional ringtone."},
        "AudioSet_SL/as_final.json": {"id": "Yb0RFKhbpFJA.wav", "caption": "Wind and a man."},
    }
    for name, entry in lists.items():
        content = {"num_captions_per_audio": 1, "data": [{**entry, "duration": 3.2}]}
        write_json(root / "json_files" / name, content)
    for name in ("SoundBible_flac/2219", "FreeSound/2219", "AudioSet_SL/Yb0RFKhbpFJA"):
        sound(root / f"Audio/{name}.flac")


def audiocaps(root: Path) -> None:
    head = ["audiocap_id", "youtube_id", "start_time", "caption"]
    rows = [
        [103549, "7fmOlUlwoNg", 0, "Constant rattling noise and sharp vibrations"],
        [103548, "7fmOlUlwoNg", 0, "A rocket flies by, then it explodes"],
        [103541, "6BJ455B1aAs", 40, "Humming"],
    ]
    write_csv(root / "dataset/test.csv", [head, *rows])
    write_csv(root / "dataset/train.csv", [head, [91139, "r1nicOVtvkQ", 130, "A woman talks"]])
    sound(root / "train/r1nicOVtvkQ_000130.wav")
    sound(root / "audio/7fmOlUlwoNg.wav")
    sound(root / "audio/6BJ455B1aAs_40.wav")


MAKERS: dict[str, Callable[[Path], None]] = {
    "audiocaps": audiocaps,
    "audioset": audioset,
    "audioset-strong": audioset_strong,
    "clotho": clotho,
    "cremad": cremad,
    "esc50": esc50,
    "fsd50k": fsd50k,
    "fsdnoisy18k": fsdnoisy18k,
    "gtzan": gtzan,
    "macs": macs,
    "nsynth": nsynth,
    "tut2017": tut2017,
    "urbansound8k": urbansound8k,
    "vggsound": vggsound,
    "vocalsound": vocalsound,
    "wavcaps": wavcaps,
}
