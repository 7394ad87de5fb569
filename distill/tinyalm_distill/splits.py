"""Which clips are learned from, and which are only measured on."""

from collections.abc import Sequence

from tinyalm.errors import DataError
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recipe import DataConfig


def split_clips(clips: Sequence[Clip], data: DataConfig) -> tuple[list[Clip], list[Clip]]:
    """Training and validation clips; those without a split are shared out evenly.

    Raises:
        DataError: one of the two would be empty.
    """
    train = [clip for clip in clips if clip.split == data.train]
    held_out = [clip for clip in clips if clip.split == data.validate]
    unassigned = [clip for clip in clips if not clip.split]
    # Whole files go to one side: parts of one recording are too alike to be measured on.
    files = list(dict.fromkeys(clip.file for clip in unassigned))
    every = max(2, round(1 / data.validation_share)) if data.validation_share > 0 else 0
    measured = set(files[every - 1 :: every]) if every else set()
    train += [clip for clip in unassigned if clip.file not in measured]
    held_out += [clip for clip in unassigned if clip.file in measured]
    for name, split, found in (
        ("train", data.train, train),
        ("validate", data.validate, held_out),
    ):
        if not found:
            seen = ", ".join(sorted({clip.split for clip in clips if clip.split})) or "none"
            raise DataError(f"data.{name}: no clips of split {split!r} (splits found: {seen})")
    return train, held_out
