"""Data sets of Freesound's clips, each with the licence that its uploader chose."""

from pathlib import Path

from tinyalm_distill.datasets.files import json_object, spdx, table, words
from tinyalm_distill.manifest import Clip

# What AudioSet calls two of FSDnoisy18k's classes.
_AUDIOSET = {
    "Dishes_and_pots_and_pans": "Dishes, pots, and pans",
    "Walk_or_footsteps": "Walk, footsteps",
}


def fsd50k(root: Path) -> list[Clip]:
    """FSD50K: several labels a clip; train, val and the evaluation set.

    Licences are in `FSD50K.metadata`, which may be missing.
    """
    clips = []
    for part in ("dev", "eval"):
        about = root / f"FSD50K.metadata/{part}_clips_info_FSD50K.json"
        licences = json_object(about) if about.is_file() else {}
        for row in table(root / f"FSD50K.ground_truth/{part}.csv"):
            clips.append(
                Clip(
                    file=root / f"FSD50K.{part}_audio" / f"{row['fname']}.wav",
                    labels=tuple(words(label) for label in row["labels"].split(",")),
                    split=row.get("split", "test"),
                    licence=spdx(licences.get(row["fname"], {}).get("license", "")),
                )
            )
    return clips


def fsdnoisy18k(root: Path) -> list[Clip]:
    """FSDnoisy18k: one label a clip, which nobody checked for nine tenths of the train set.

    Licences are in `FSDnoisy18k.doc`, which may be missing.
    """
    about = root / "FSDnoisy18k.doc/LICENSE-INDIVIDUAL-CLIPS.csv"
    # Its second column, the address of a licence, has no name that can be relied upon.
    rows = table(about, ("fname", "address")) if about.is_file() else ()
    licences = {row["fname"]: spdx(row["address"]) for row in rows}
    return [
        Clip(
            file=root / f"FSDnoisy18k.audio_{part}" / row["fname"],
            labels=(_AUDIOSET.get(row["label"], words(row["label"])),),
            split=part,
            licence=licences.get(row["fname"], ""),
        )
        for part in ("train", "test")
        for row in table(root / f"FSDnoisy18k.meta/{part}.csv")
    ]
