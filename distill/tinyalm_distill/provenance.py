"""Where a student comes from: its teacher, and all data that it learned from, with licences."""

from collections import Counter
from pathlib import Path

import msgspec

import tinyalm
from tinyalm.bundle import DataSource, Provenance
from tinyalm.models.checkpoint import load_student
from tinyalm_distill.recipe import DataConfig, Inherit, Recipe
from tinyalm_distill.recordings import Recordings
from tinyalm_distill.teachers import AudioTextTeacher

_UNSTATED = "not stated"


def provenance(
    recipe: Recipe,
    teacher: AudioTextTeacher,
    sources: list[DataSource],
    metrics: dict[str, float],
) -> Provenance:
    """What goes into the checkpoint of a student; ``sources`` are those of `data_sources`."""
    plain = msgspec.to_builtins(recipe)
    plain.pop("data")  # paths of one machine mean nothing on another
    if source := plain["audio"]["body"].get("source"):
        plain["audio"]["body"]["source"] = Path(source).name
    plain["teacher"] = teacher.name
    return Provenance(
        teacher=f"{teacher.name} {teacher.revision}",
        teacher_licence=teacher.licence,
        data=sources,
        recipe=plain,
        metrics=metrics,
        created_by=f"tinyalm {tinyalm.__version__}",
    )


def data_sources(recipe: Recipe, train: Recordings) -> list[DataSource]:
    """The recordings and texts that a student learns from, sorted.

    One that is cut out of another student has learned from that one's data as well. What both name
    is counted once, since they may have heard the same clips.

    Raises:
        DataError: that student's checkpoint cannot be read.
    """
    counted: Counter[tuple[str, str]] = Counter()
    counted.update((clip.source, clip.licence or _UNSTATED) for clip in train.clips)
    counted.update(dict.fromkeys(_texts(recipe.data), 0))
    body = recipe.audio.body
    if isinstance(body, Inherit) and body.source:
        for one in load_student(Path(body.source)).meta.provenance.data:
            counted[one.name, one.licence] = max(counted[one.name, one.licence], one.clips)
    return [DataSource(name=n, clips=c, licence=x) for (n, x), c in sorted(counted.items())]


def _texts(data: DataConfig) -> list[tuple[str, str]]:
    """Name and licence of every file of texts."""
    licences = data.licences or [_UNSTATED]
    each = licences * len(data.texts) if len(licences) == 1 else licences
    return [(Path(name).name, licence) for name, licence in zip(data.texts, each, strict=True)]
