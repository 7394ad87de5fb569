"""Environmental sounds and scenes: ESC-50, UrbanSound8K, TUT Acoustic Scenes 2017."""

from pathlib import Path

from tinyalm_distill.datasets.files import table, words
from tinyalm_distill.manifest import Clip


def esc50(root: Path) -> list[Clip]:
    """ESC-50: `meta/esc50.csv`, five folds; the part called ESC-10 has a licence of its own."""
    return [
        Clip(
            file=root / "audio" / row["filename"],
            labels=(words(row["category"]),),
            split=row["fold"],
            licence="CC-BY-3.0" if row["esc10"] == "True" else "",
        )
        for row in table(root / "meta/esc50.csv")
    ]


def urbansound8k(root: Path) -> list[Clip]:
    """UrbanSound8K: `metadata/UrbanSound8K.csv`, ten folds, one folder each."""
    return [
        Clip(
            file=root / "audio" / f"fold{row['fold']}" / row["slice_file_name"],
            labels=(words(row["class"]),),
            split=row["fold"],
        )
        for row in table(root / "metadata/UrbanSound8K.csv")
    ]


def tut2017(root: Path) -> list[Clip]:
    """TUT Acoustic Scenes 2017, development set: four folds by recording place."""
    folds = {}
    for number in range(1, 5):
        file = root / f"evaluation_setup/fold{number}_evaluate.txt"
        for row in table(file, ("file", "label"), "\t"):
            folds[row["file"]] = str(number)
    return [
        Clip(file=root / row["file"], labels=(words(row["label"]),), split=folds[row["file"]])
        for row in table(root / "meta.txt", ("file", "label", "place"), "\t")
        if row["file"] in folds
    ]
