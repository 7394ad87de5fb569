"""The records of descriptions, a manifest of JSON Lines, and how an interrupted one is read."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tinyalm.errors import ConfigError
from tinyalm_distill.manifest import Clip


class Claim(Struct, frozen=True):
    """What an answer says is heard, the judge's cosine for it, and whether it was kept."""

    text: str
    score: float
    kept: bool


class Answer(Struct, frozen=True):
    """What was asked, what was answered, and what that claims."""

    task: str
    prompt: str
    text: str
    claims: list[Claim]


class Settings(Struct, frozen=True, kw_only=True):
    """All that a record depends on beside its recording."""

    model: str
    judge: str
    threshold: float
    temperature: float
    seed: int
    batch: int
    prompts: list[str]


class Record(Struct, frozen=True, kw_only=True):
    """A row of the manifest; ``answers`` is empty and ``skipped`` says why where it was unheard."""

    file: str
    start_s: float
    end_s: float | None
    label: list[str]
    caption: list[str]
    split: str
    source: str
    licence: str
    answers: list[Answer]
    skipped: str
    made_by: Settings


def relative(file: Path, out: Path) -> str:
    """``file`` as a record in ``out`` names it."""
    return Path(os.path.relpath(file.absolute(), out.parent.absolute())).as_posix()


def resume(out: Path, clips: Sequence[Clip], settings: Settings) -> list[Record]:
    """The records of whole batches that ``out`` holds; the rest of it is cut off.

    Raises:
        ConfigError: it holds something else, or records of other clips or settings.
    """
    try:
        lines = out.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be read ({error.strerror}); choose another --out"
        ) from None
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()  # what a kill left of a record
    if len(lines) < len(clips):
        del lines[len(lines) - len(lines) % settings.batch :]
    records: list[Record] = []
    for number, line in enumerate(lines):
        try:
            record = msgspec.json.decode(line, type=Record)
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{out}: row {number + 1} is no description ({error}); choose another --out"
            ) from None
        clip = clips[number] if number < len(clips) else None
        same = clip is not None and (record.file, record.start_s, record.end_s) == (
            relative(clip.file, out),
            clip.start_s,
            clip.end_s,
        )
        if not same or record.made_by != settings:
            what = "another clip" if not same else "other settings"
            raise ConfigError(f"{out}: row {number + 1} is of {what}; choose another --out")
        records.append(record)
    os.truncate(out, sum(map(len, lines)))
    return records
