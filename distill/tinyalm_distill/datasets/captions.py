"""Recordings with captions: Clotho, MACS, WavCaps."""

from pathlib import Path
from typing import Any

from tinyalm.audio import SUFFIXES
from tinyalm.errors import DataError
from tinyalm_distill.datasets.files import (
    YOUTUBE,
    by_stem,
    first_folder,
    json_object,
    missing,
    spdx,
    table,
    words,
)
from tinyalm_distill.manifest import Clip

TAMPERE = "LicenseRef-Tampere-NonCommercial"  # of Tampere University: no commercial use
WAVCAPS = "LicenseRef-WavCaps-AcademicOnly"
_CLOTHO = {"development": "train", "validation": "val", "evaluation": "test"}
# WavCaps' sources: the file that lists each, and what is known of its recordings' licences.
_WAVCAPS = {
    "AudioSet_SL": ("as_final.json", YOUTUBE),
    "BBC_Sound_Effects": ("bbc_final.json", "LicenseRef-BBC-RemArc"),
    "FreeSound": ("fsd_final.json", "each by its page on freesound.org"),
    "SoundBible": ("sb_final.json", "each by its page on soundbible.com"),
}


def clotho(root: Path) -> list[Clip]:
    """Clotho 1 to 2.1: five captions a clip; train, val and test, as far as they are there.

    Recordings have the licences of `clotho_metadata_*.csv`, which may be missing; captions have
    another one.
    """
    lists = first_folder(root, "clotho_csv_files", ".")
    there = [p for p in _CLOTHO if (lists / f"clotho_captions_{p}.csv").is_file()]
    if not there:
        missing(lists / "clotho_captions_evaluation.csv")
    clips = []
    for part in there:
        about = lists / f"clotho_metadata_{part}.csv"
        # Version 2 writes names beyond ASCII in Latin-1.
        rows = table(about, encoding="latin-1") if about.is_file() else ()
        licences = {row["file_name"]: spdx(row["license"]) for row in rows}
        audio = first_folder(
            root, part, f"clotho_audio_{part}", f"clotho_audio_files/{part}", f"audio/{part}"
        )
        for row in table(lists / f"clotho_captions_{part}.csv"):
            own = licences.get(row["file_name"])
            clips.append(
                Clip(
                    file=audio / row["file_name"],
                    captions=tuple(row[f"caption_{number}"] for number in range(1, 6)),
                    split=_CLOTHO[part],
                    licence=f"{own}; captions {TAMPERE}" if own else "",
                )
            )
    return clips


def macs(root: Path) -> list[Clip]:
    """MACS: `MACS.yaml`; recordings of TAU Urban Acoustic Scenes 2019 anywhere below."""
    path = root / "MACS.yaml"
    found = by_stem(root)
    clips = []
    for entry in _yaml(path)["files"]:
        said = entry["annotations"]
        tags = dict.fromkeys(words(tag) for one in said for tag in one["tags"])
        name = Path(entry["filename"])
        clips.append(
            Clip(
                file=found.get(name.stem, root / "audio" / name),
                captions=tuple(one["sentence"].strip() for one in said),
                labels=tuple(tags),
            )
        )
    return clips


def wavcaps(root: Path) -> list[Clip]:
    """WavCaps: `json_files/SOURCE/…_final.json`, as far as they are there.

    Recordings lie below folders whose names begin with SOURCE. Each clip has one caption, made by a
    language model from what the source says of it.
    """
    lists = {source: root / "json_files" / source / file for source, (file, _) in _WAVCAPS.items()}
    there = {source: path for source, path in lists.items() if path.is_file()}
    if not there:
        missing(lists["SoundBible"])
    found = _by_source(root)
    return [
        Clip(
            file=found.get((source, stem), root / source / f"{stem}.flac"),
            captions=(entry["caption"],),
            split="train",
            licence=f"{WAVCAPS}; recordings: {_WAVCAPS[source][1]}",
        )
        for source, path in there.items()
        for entry in json_object(path)["data"]
        for stem in (str(entry["id"]).removesuffix(".wav"),)
    ]


def _by_source(root: Path) -> dict[tuple[str, str], Path]:
    """Recordings by source and stem; numbers of two sources may be equal."""
    found = {}
    for file in sorted(root.rglob("*")):
        if file.suffix.lower() in SUFFIXES:
            folders = file.relative_to(root).parts[:-1]
            for source in _WAVCAPS:
                if any(folder.startswith(source) for folder in folders):
                    found[source, file.stem] = file
    return found


def _yaml(path: Path) -> dict[str, Any]:
    import yaml  # of the extra, like all of distillation; seldom wanted

    try:
        with path.open(encoding="utf-8") as file:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster in C
            content = yaml.load(file, Loader=loader)  # noqa: S506  both are safe
    except FileNotFoundError:
        missing(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read ({reason}); fetch it again") from None
    return {"files": []} | content if isinstance(content, dict) else {"files": content}
