"""`tinyalm distill dedup`: sounds of a training set that are in an evaluation set, too."""

import csv
from collections.abc import Sequence
from pathlib import Path

import click

from tinyalm.cache import cache_dir
from tinyalm.errors import DataError
from tinyalm_distill.fingerprints.duplicates import Comparison, Duplicate, find_duplicates
from tinyalm_distill.manifest import Clip, read_clips
from tinyalm_distill.manifest_file import check_manifest_name, write_manifest

_COLUMNS = ("file", "start_s", "same_as", "same_as_start_s", "offset_s", "score")


@click.command()
@click.argument("train", metavar="TRAIN")
@click.argument("others", metavar="[EVAL]", required=False)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The list, CSV.")
@click.option("--drop-to", type=click.Path(path_type=Path), help="TRAIN without them, a manifest.")
def dedup(train: str, others: str | None, out: Path, drop_to: Path | None) -> None:
    """Find clips of TRAIN that hold the same recording as one of EVAL, or as another of TRAIN.

    Found are copies, whatever their format, bitrate, rate and level, and parts of one another.
    Without EVAL, of two clips that are the same the later one is dropped, or the one of the split
    train if the other is of another split. Fingerprints are cached by the files' content.
    """
    if drop_to is not None:
        check_manifest_name(drop_to)
    clips = read_clips(train)
    known = read_clips(others) if others is not None else None
    result = find_duplicates(clips, known, cache_dir() / "distill")
    _write(out, result.duplicates, clips, clips if known is None else known)
    for reason in result.skipped:
        click.echo(f"skipped {reason}", err=True)
    dropped = _dropped(result.duplicates, clips, within=known is None)
    click.echo(_summary(result, len(clips), len(dropped), within=known is None))
    click.echo(f"list: {out}")
    if drop_to is not None:
        kept = [clip for number, clip in enumerate(clips) if number not in dropped]
        if not kept:
            raise DataError(f"{train}: all of its clips are duplicates; {drop_to} is not written")
        write_manifest(drop_to, kept)
        click.echo(f"without them: {drop_to}, {len(kept)} clips")


def _dropped(duplicates: Sequence[Duplicate], clips: Sequence[Clip], *, within: bool) -> set[int]:
    if not within:
        return {pair.first for pair in duplicates}
    dropped: set[int] = set()
    for pair in duplicates:
        first, second = clips[pair.first].split, clips[pair.second].split
        only_first_trains = first == "train" != second
        dropped.add(pair.first if only_first_trains else pair.second)
    return dropped


def _summary(result: Comparison, clips: int, dropped: int, *, within: bool) -> str:
    what = "another of them" if within else "one of the others"
    lines = [
        f"{len(result.duplicates)} pairs: {dropped} of {clips} clips hold the same sound as {what}"
    ]
    if result.plain:
        lines.append(f"{result.plain} clips too short or even to be compared but sample by sample")
    if result.skipped:
        lines.append(f"{len(result.skipped)} clips skipped")
    return "\n".join(lines)


def _write(
    path: Path, duplicates: Sequence[Duplicate], clips: Sequence[Clip], others: Sequence[Clip]
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for pair in duplicates:
                first, second = clips[pair.first], others[pair.second]
                table.writerow(
                    (
                        first.file,
                        f"{first.start_s:g}",
                        second.file,
                        f"{second.start_s:g}",
                        f"{pair.offset_s:.4f}",
                        f"{pair.score:.4f}",
                    )
                )
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
