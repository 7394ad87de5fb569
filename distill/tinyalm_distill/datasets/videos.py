"""Data sets of segments of videos: AudioSet with weak and strong labels, VGGSound, AudioCaps.

What is published are lists; the recordings, one file a segment, lie wherever a downloader put them.
"""

from pathlib import Path

from tinyalm_distill.datasets.files import by_stem, first_folder, missing, segment, table
from tinyalm_distill.manifest import Clip

SEGMENT_S = 10.0
_AT_END_S = 0.05  # before a segment's end, from which on an event lasts to the end of the file
_WEAK = {
    "train": ("balanced_train_segments.csv", "unbalanced_train_segments.csv"),
    "test": ("eval_segments.csv",),
}


def audioset(root: Path) -> list[Clip]:
    """AudioSet's weak labels: train (balanced, unbalanced) and test, as far as they are there."""
    names = {row["mid"]: row["display_name"] for row in table(root / "class_labels_indices.csv")}
    lists = [(split, root / name) for split, files in _WEAK.items() for name in files]
    there = [(split, path) for split, path in lists if path.is_file()]
    if not there:
        missing(root / "eval_segments.csv")
    found = by_stem(root)
    return [
        Clip(
            file=segment(found, root, row["id"], float(row["start"])),
            labels=tuple(names[mid] for mid in row["labels"].split(",")),
            split=split,
        )
        for split, path in there
        for row in table(path, ("id", "start", "end", "labels"), comments=True)
    ]


def audioset_strong(root: Path) -> list[Clip]:
    """AudioSet's strong labels (2021): a clip for each event, from its start to its end."""
    mids = table(root / "mid_to_display_name.tsv", ("mid", "name"), "\t")
    names = {row["mid"]: row["name"] for row in mids}
    lists = [(s, root / f"audioset_{f}_strong.tsv") for s, f in (("train",) * 2, ("test", "eval"))]
    there = [(split, path) for split, path in lists if path.is_file()]
    if not there:
        missing(lists[-1][1])
    found = by_stem(root)
    clips = []
    for split, path in there:
        for row in table(path, delimiter="\t"):
            video, _, start_ms = row["segment_id"].rpartition("_")
            end = float(row["end_time_seconds"])
            clips.append(
                Clip(
                    file=segment(found, root, video, float(start_ms) / 1000),
                    start_s=float(row["start_time_seconds"]),
                    end_s=end if end < SEGMENT_S - _AT_END_S else None,
                    labels=(names[row["label"]],),
                    split=split,
                )
            )
    return clips


def vggsound(root: Path) -> list[Clip]:
    """VGGSound: `vggsound.csv`, train and test."""
    found = by_stem(root)
    return [
        Clip(
            file=segment(found, root, row["id"], float(row["start"])),
            labels=(row["label"],),
            split=row["split"],
        )
        for row in table(root / "vggsound.csv", ("id", "start", "label", "split"))
    ]


def audiocaps(root: Path) -> list[Clip]:
    """AudioCaps, as far as it is there: train with one caption a clip, val and test with five."""
    folder = first_folder(root, "dataset", ".")
    there = [split for split in ("train", "val", "test") if (folder / f"{split}.csv").is_file()]
    if not there:
        missing(folder / "test.csv")
    found = by_stem(root)
    clips = []
    for split in there:
        captions: dict[tuple[str, float], list[str]] = {}
        for row in table(folder / f"{split}.csv"):
            key = row["youtube_id"], float(row["start_time"])
            captions.setdefault(key, []).append(row["caption"])
        clips += [
            Clip(file=segment(found, root, *key), captions=tuple(several), split=split)
            for key, several in captions.items()
        ]
    return clips
