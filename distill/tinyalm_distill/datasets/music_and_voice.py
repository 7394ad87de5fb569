"""Music, notes and voices: GTZAN, NSynth, VocalSound, CREMA-D."""

from pathlib import Path

from tinyalm.audio import SUFFIXES
from tinyalm_distill.datasets.files import first_folder, json_object, missing, words
from tinyalm_distill.manifest import Clip

_EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgusted",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}


def gtzan(root: Path) -> list[Clip]:
    """GTZAN: a folder for each genre; no folds are published with it."""
    base = first_folder(root, "genres", "genres_original", ".")
    clips = [
        Clip(file=file, labels=("hip hop" if file.parent.name == "hiphop" else file.parent.name,))
        for file in sorted(base.glob("*/*.*"))
        if file.suffix.lower() in SUFFIXES and file.name.startswith(f"{file.parent.name}.")
    ]
    return clips or missing(base / "blues/blues.00000.wav")


def nsynth(root: Path) -> list[Clip]:
    """NSynth's instrument families: train, valid and test, as far as they are there."""
    splits = [s for s in ("train", "valid", "test") if (root / f"nsynth-{s}").is_dir()]
    if not splits:
        missing(root / "nsynth-test/examples.json")
    return [
        Clip(
            file=root / f"nsynth-{split}/audio/{note}.wav",
            labels=(words(entry["instrument_family_str"]),),
            split=split,
        )
        for split in splits
        for note, entry in json_object(root / f"nsynth-{split}/examples.json").items()
    ]


def vocalsound(root: Path) -> list[Clip]:
    """VocalSound: the splits of `datafiles`, by speakers; labels are in the files' names."""
    audio = first_folder(root, "audio_16k", "audio_44k")
    known = {"throatclearing": "throat clearing"}
    clips = []
    for split, file in (("train", "tr"), ("val", "val"), ("test", "te")):
        for entry in json_object(root / f"datafiles/{file}.json")["data"]:
            name = Path(entry["wav"]).name
            label = Path(name).stem.rpartition("_")[2]
            clips.append(Clip(file=audio / name, labels=(known.get(label, label),), split=split))
    return clips


def cremad(root: Path) -> list[Clip]:
    """CREMA-D: `AudioWAV/ACTOR_SENTENCE_EMOTION_LEVEL.wav`; folds are ours, by actor."""
    clips = []
    for file in sorted((root / "AudioWAV").glob("*.wav")):
        actor, _, emotion, _ = file.stem.split("_")
        split = str(int(actor) % 5 + 1)
        clips.append(Clip(file=file, labels=(_EMOTIONS[emotion],), split=split))
    return clips or missing(root / "AudioWAV/1001_DFA_ANG_XX.wav")
