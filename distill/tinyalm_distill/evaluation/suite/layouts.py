"""From the folders that data sets are published in to clips with labels, captions and folds.

A split is a fold (see `make_folds`). Every clip that is published is listed, whether its recording
is there or not.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tinyalm.audio import SUFFIXES
from tinyalm.errors import DataError
from tinyalm_distill.manifest import Clip


def esc50(root: Path) -> list[Clip]:
    """ESC-50: `meta/esc50.csv`, five folds."""
    return [
        Clip(
            file=root / "audio" / row["filename"],
            labels=(_words(row["category"]),),
            split=row["fold"],
        )
        for row in _table(root / "meta/esc50.csv")
    ]


def urbansound8k(root: Path) -> list[Clip]:
    """UrbanSound8K: `metadata/UrbanSound8K.csv`, ten folds, one folder each."""
    return [
        Clip(
            file=root / "audio" / f"fold{row['fold']}" / row["slice_file_name"],
            labels=(_words(row["class"]),),
            split=row["fold"],
        )
        for row in _table(root / "metadata/UrbanSound8K.csv")
    ]


def fsd50k(root: Path) -> list[Clip]:
    """FSD50K: several labels a clip; train, val and the evaluation set."""
    clips = []
    for part in ("dev", "eval"):
        for row in _table(root / f"FSD50K.ground_truth/{part}.csv"):
            clips.append(
                Clip(
                    file=root / f"FSD50K.{part}_audio" / f"{row['fname']}.wav",
                    labels=tuple(_words(label) for label in row["labels"].split(",")),
                    split=row.get("split", "test"),
                )
            )
    return clips


def audioset(root: Path) -> list[Clip]:
    """AudioSet's evaluation segments, wherever below the folder their recordings are."""
    names = {row["mid"]: row["display_name"] for row in _table(root / "class_labels_indices.csv")}
    columns = ("id", "start", "end", "labels")
    found = _by_stem(root)
    return [
        Clip(
            file=_youtube(found, root, row["id"], float(row["start"])),
            labels=tuple(names[mid] for mid in row["labels"].split(",")),
            split="test",
        )
        for row in _table(root / "eval_segments.csv", columns)
    ]


def vggsound(root: Path) -> list[Clip]:
    """VGGSound: `vggsound.csv`, train and test."""
    found = _by_stem(root)
    return [
        Clip(
            file=_youtube(found, root, row["id"], float(row["start"])),
            labels=(row["label"],),
            split=row["split"],
        )
        for row in _table(root / "vggsound.csv", ("id", "start", "label", "split"))
    ]


def tut2017(root: Path) -> list[Clip]:
    """TUT Acoustic Scenes 2017, development set: four folds by recording place."""
    folds = {}
    for number in range(1, 5):
        file = root / f"evaluation_setup/fold{number}_evaluate.txt"
        for row in _table(file, ("file", "label"), delimiter="\t"):
            folds[row["file"]] = str(number)
    return [
        Clip(file=root / row["file"], labels=(_words(row["label"]),), split=folds[row["file"]])
        for row in _table(root / "meta.txt", ("file", "label", "place"), delimiter="\t")
        if row["file"] in folds
    ]


def gtzan(root: Path) -> list[Clip]:
    """GTZAN: a folder for each genre; no folds are published with it."""
    base = next((root / n for n in ("genres", "genres_original") if (root / n).is_dir()), root)
    clips = [
        Clip(file=file, labels=("hip hop" if file.parent.name == "hiphop" else file.parent.name,))
        for file in sorted(base.glob("*/*.*"))
        if file.suffix.lower() in SUFFIXES and file.name.startswith(f"{file.parent.name}.")
    ]
    return clips or _nothing(base / "blues/blues.00000.wav")


def nsynth(root: Path) -> list[Clip]:
    """NSynth's instrument families: train, valid and test, as far as they are there."""
    clips = []
    for split in ("train", "valid", "test"):
        folder = root / f"nsynth-{split}"
        if split != "test" and not folder.is_dir():
            continue
        clips += [
            Clip(
                file=folder / "audio" / f"{note}.wav",
                labels=(_words(entry["instrument_family_str"]),),
                split=split,
            )
            for note, entry in _json(folder / "examples.json").items()
        ]
    return clips


def vocalsound(root: Path) -> list[Clip]:
    """VocalSound: the splits of `datafiles`, by speakers; labels are in the files' names."""
    audio = "audio_16k" if (root / "audio_16k").is_dir() else "audio_44k"
    words = {"throatclearing": "throat clearing"}
    clips = []
    for split, file in (("train", "tr"), ("val", "val"), ("test", "te")):
        for entry in _json(root / f"datafiles/{file}.json")["data"]:
            name = Path(entry["wav"]).name
            label = Path(name).stem.rpartition("_")[2]
            clips.append(
                Clip(file=root / audio / name, labels=(words.get(label, label),), split=split)
            )
    return clips


def cremad(root: Path) -> list[Clip]:
    """CREMA-D: `AudioWAV/ACTOR_SENTENCE_EMOTION_LEVEL.wav`; folds are ours, by actor."""
    emotions = {
        "ANG": "angry",
        "DIS": "disgusted",
        "FEA": "fearful",
        "HAP": "happy",
        "NEU": "neutral",
        "SAD": "sad",
    }
    clips = []
    for file in sorted((root / "AudioWAV").glob("*.wav")):
        actor, _, emotion, _ = file.stem.split("_")
        clips.append(Clip(file=file, labels=(emotions[emotion],), split=str(int(actor) % 5 + 1)))
    return clips or _nothing(root / "AudioWAV/1001_DFA_ANG_XX.wav")


def clotho(root: Path) -> list[Clip]:
    """Clotho's evaluation set, five captions a clip."""
    return [
        Clip(
            file=root / "evaluation" / row["file_name"],
            captions=tuple(row[f"caption_{number}"] for number in range(1, 6)),
            split="test",
        )
        for row in _table(root / "clotho_captions_evaluation.csv")
    ]


def audiocaps(root: Path) -> list[Clip]:
    """AudioCaps' test set, five captions a clip, wherever its recordings are."""
    captions: dict[tuple[str, float], list[str]] = {}
    for row in _table(root / "dataset/test.csv"):
        key = row["youtube_id"], float(row["start_time"])
        captions.setdefault(key, []).append(row["caption"])
    found = _by_stem(root)
    return [
        Clip(file=_youtube(found, root, *key), captions=tuple(several), split="test")
        for key, several in captions.items()
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _table(
    path: Path, columns: Sequence[str] | None = None, delimiter: str = ","
) -> Iterator[dict[str, str]]:
    """Rows of a table with a first line of names, or with ``columns``; ``#`` starts a comment."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = (line for line in file if line.strip() and not line.startswith("#"))
            yield from csv.DictReader(lines, columns, delimiter=delimiter, skipinitialspace=True)
    except FileNotFoundError:
        _nothing(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        _nothing(path)
        raise
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def _nothing(path: Path) -> list[Clip]:
    raise DataError(f"{path} is missing; the folder is not as published") from None


def _by_stem(root: Path) -> dict[str, Path]:
    return {f.stem: f for f in sorted(root.rglob("*")) if f.suffix.lower() in SUFFIXES}


def _youtube(found: dict[str, Path], root: Path, video: str, start_s: float) -> Path:
    """The recording of a segment, under any of the names that downloaders give it."""
    start = round(start_s)
    names = (video, f"Y{video}", f"{video}_{start}", f"{video}_{start:06d}")
    return next((found[name] for name in names if name in found), root / f"{video}.wav")
