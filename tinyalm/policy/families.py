"""Families of labels: AudioSet's names as YAMNet orders them (Gemmeke et al. 2017), by kind."""

import csv
from collections.abc import Collection
from functools import cache
from pathlib import Path

SPEECH, VOICE = "speech", "voice"


def labels_of(families: Collection[str]) -> list[str]:
    """The labels of these families, in AudioSet's order."""
    return [label for label, family in families_of_labels().items() if family in families]


@cache
def families_of_labels() -> dict[str, str]:
    """The family of each label."""
    file = Path(__file__).with_name("families.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        return {row["label"]: row["family"] for row in csv.DictReader(opened)}
