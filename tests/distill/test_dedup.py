"""Copies of sounds, found whatever was done to them, and distinct sounds, kept apart."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from click.testing import CliRunner

from tests.process import one_line, tinyalm
from tinyalm_distill.cli import distill
from tinyalm_distill.manifest import read_manifest

pytestmark = pytest.mark.usefixtures("own_cache")
RATE = 32000


def chirps(seed: int, seconds: float) -> np.ndarray:
    """Short tones of random pitch over faint noise, fading away."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.01 * rng.standard_normal(len(time))
    for start in np.arange(0, seconds, 0.12):
        local = np.clip(time - start, 0, None)
        pitch = rng.uniform(200, 3000)
        tone = np.sin(2 * np.pi * pitch * local * (1 + rng.uniform(-1, 1) * local))
        wave += 0.2 * tone * np.exp(-local / 0.08) * (local > 0)
    return wave


def rustle(seed: int, seconds: float) -> np.ndarray:
    """Noise of steady level, as rain and wind are, of no pattern that one could name."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return 0.1 * np.convolve(white, np.ones(6) / 2, "same")


def loop(seed: int, seconds: float) -> np.ndarray:
    """The same half second again and again."""
    return np.tile(chirps(seed, 0.5), int(seconds / 0.5))


SOUNDS = {
    "long chirps": chirps(1, 8.0),
    "chirps": chirps(2, 2.0),
    "one chirp": chirps(3, 0.8),
    "long rustle": rustle(4, 5.0),
    "rustle": rustle(5, 1.2),
    "loop": loop(6, 4.0),
}


def save(path: Path, wave: np.ndarray, rate: int = RATE, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(wave, -1, 1), rate, **options)
    return path


def mp3(path: Path, wave: np.ndarray) -> Path:
    """32 kbit/s, constant."""
    options = {"compression_level": 0.99, "bitrate_mode": "CONSTANT"}
    return save(path.with_suffix(".mp3"), wave, **options)


def opus(path: Path, wave: np.ndarray) -> Path:
    """32 kbit/s: libsndfile divides 6 to 256 kbit/s evenly."""
    resampled = soxr.resample(wave, RATE, 48000)
    options = {"format": "OGG", "subtype": "OPUS", "compression_level": (256 - 32) / 250}
    return save(path.with_suffix(".opus"), resampled, 48000, **options)


SHIFT = round(0.3 * RATE)
CHANGES = {
    "mp3": mp3,
    "opus": opus,
    "16 kHz": lambda path, wave: save(path, soxr.resample(wave, RATE, 16000), 16000),
    "44.1 kHz": lambda path, wave: save(path, soxr.resample(wave, RATE, 44100), 44100),
    "+6 dB": lambda path, wave: save(path, 2 * wave),
    "-6 dB": lambda path, wave: save(path, wave / 2),
    "later": lambda path, wave: save(path, np.pad(wave, (SHIFT, 0))),
    "earlier": lambda path, wave: save(path, wave[SHIFT:]),
    "first half": lambda path, wave: save(path, wave[: len(wave) // 2]),
    "second half": lambda path, wave: save(path, wave[len(wave) // 2 :]),
    "upside down": lambda path, wave: save(path, -wave),
    "all at once": lambda path, wave: mp3(path, soxr.resample(1.5 * wave[SHIFT:], RATE, 32000)),
}


def run(*arguments: object) -> list[str]:
    """The lines that `dedup` prints, in this process."""
    ran = CliRunner().invoke(distill, ["dedup", *map(str, arguments)])
    assert ran.exit_code == 0, ran.output
    return ran.stdout.splitlines()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_copies_are_found_whatever_was_done_to_them(tmp_path: Path) -> None:
    for name, wave in SOUNDS.items():
        save(tmp_path / f"eval/{name}.wav", wave)
        for change, make in CHANGES.items():
            make(tmp_path / f"train/{name}-{change}.wav", wave)
    out = tmp_path / "list.csv"
    run(tmp_path / "train", tmp_path / "eval", "--out", out)
    found = {(Path(row["file"]).stem, Path(row["same_as"]).stem) for row in rows(out)}
    wanted = {(f"{name}-{change}", name) for name in SOUNDS for change in CHANGES}
    assert found == wanted
    offsets = {Path(row["file"]).stem: float(row["offset_s"]) for row in rows(out)}
    assert offsets["long chirps-later"] == pytest.approx(0.3, abs=1e-3)
    assert offsets["chirps-earlier"] == pytest.approx(-0.3, abs=1e-3)
    assert offsets["long rustle-second half"] == pytest.approx(-2.5, abs=1e-3)
    assert all(0.72 <= float(row["score"]) <= 1 for row in rows(out))


def test_sounds_of_a_kind_are_not_the_same(tmp_path: Path) -> None:
    for seed in range(12):
        save(tmp_path / f"a/chirps-{seed}.wav", chirps(100 + seed, 2.0))
        save(tmp_path / f"a/rustle-{seed}.wav", rustle(200 + seed, 2.0))
        save(tmp_path / f"a/loop-{seed}.wav", loop(300 + seed, 2.0))
    # The same pitches in another order: landmarks agree here and there, waveforms do not.
    wave = chirps(100, 2.0)
    save(tmp_path / "a/backwards.wav", wave[::-1])
    assert run(tmp_path / "a", "--out", tmp_path / "list.csv")[0].startswith("0 pairs")


def strike(seed: int) -> np.ndarray:
    """A drum that is struck: it rings the same each time, and no two blows are alike."""
    time = np.arange(round(0.6 * RATE)) / RATE
    ring = sum(np.sin(2 * np.pi * hz * time) for hz in (180, 260, 330, 410)) * np.exp(-time / 0.2)
    blow = np.random.default_rng(seed).standard_normal(len(time)) * np.exp(-time / 0.02)
    return 0.2 * ring + 0.1 * blow


def test_two_strikes_of_a_drum_are_two_recordings(tmp_path: Path) -> None:
    for seed in range(3):
        save(tmp_path / f"eval/{seed}.wav", strike(seed))
        opus(tmp_path / f"train/{seed}-copy.wav", strike(seed) / 2)
    run(tmp_path / "train", tmp_path / "eval", "--out", tmp_path / "list.csv")
    found = {(Path(r["file"]).stem, Path(r["same_as"]).stem) for r in rows(tmp_path / "list.csv")}
    assert found == {(f"{seed}-copy", str(seed)) for seed in range(3)}


def test_parts_of_a_long_recording_are_found_in_it(tmp_path: Path) -> None:
    long = np.concatenate([rustle(7, 40.0), SOUNDS["chirps"], rustle(8, 60.0)])
    save(tmp_path / "train/long.flac", long)
    save(tmp_path / "eval/chirps.wav", SOUNDS["chirps"])
    save(tmp_path / "eval/rustle.wav", rustle(8, 60.0)[RATE * 50 : RATE * 55])
    run(tmp_path / "train", tmp_path / "eval", "--out", tmp_path / "list.csv")
    found = {Path(r["same_as"]).stem: float(r["offset_s"]) for r in rows(tmp_path / "list.csv")}
    assert found == pytest.approx({"chirps": 40.0, "rustle": 92.0}, abs=1e-3)


def test_clips_without_landmarks_are_compared_sample_by_sample(tmp_path: Path) -> None:
    short = chirps(9, 0.011)
    save(tmp_path / "a/one.wav", short)
    shutil.copy(tmp_path / "a/one.wav", tmp_path / "a/two.wav")
    save(tmp_path / "a/three.wav", chirps(10, 0.011))
    lines = run(tmp_path / "a", "--out", tmp_path / "list.csv")
    assert [(Path(r["file"]).stem, r["score"]) for r in rows(tmp_path / "list.csv")] == [
        ("one", "1.0000")
    ]
    assert lines[0] == "1 pairs: 1 of 3 clips hold the same sound as another of them"


def manifest(path: Path, lines: list[str]) -> Path:
    path.write_text("file,start_s,end_s,label,split,licence\n" + "\n".join(lines) + "\n")
    return path


def test_what_is_dropped_and_what_stays(tmp_path: Path) -> None:
    wave = SOUNDS["long chirps"]
    save(tmp_path / "a.wav", wave)
    save(tmp_path / "b.wav", wave / 2)
    save(tmp_path / "c.wav", chirps(11, 2.0))
    lines = ["a.wav,0,4,dog,train,CC0-1.0", "b.wav,,3.5,dog,dev,", "a.wav,4.5,8,cat,train,"]
    train = manifest(tmp_path / "train.csv", [*lines, "c.wav,,,cow|calf,train,MIT"])
    kept = tmp_path / "kept.jsonl"
    # Within one manifest the clip that is trained on goes, though it comes first.
    said = run(train, "--out", tmp_path / "list.csv", "--drop-to", kept)
    assert said[0] == "1 pairs: 1 of 4 clips hold the same sound as another of them"
    clips = read_manifest(kept)
    assert [(c.file.name, c.start_s, c.labels, c.split, c.licence) for c in clips] == [
        ("b.wav", 0.0, ("dog",), "dev", ""),
        ("a.wav", 4.5, ("cat",), "train", ""),
        ("c.wav", 0.0, ("cow", "calf"), "train", "MIT"),
    ]
    # Between two, every clip of the first that is in the second goes.
    others = manifest(tmp_path / "eval.csv", ["b.wav,,,dog,,"])
    run(train, others, "--out", tmp_path / "list.csv", "--drop-to", kept)
    assert [clip.file.name for clip in read_manifest(kept)] == ["c.wav"]


def test_fingerprints_are_made_once_and_follow_the_content(tmp_path: Path) -> None:
    save(tmp_path / "a/one.wav", SOUNDS["chirps"])
    save(tmp_path / "a/two.wav", chirps(12, 2.0))
    run(tmp_path / "a", "--out", tmp_path / "list.csv")
    cache = next((tmp_path / "cache/distill").glob("fingerprints-*.sqlite"))
    size = cache.stat().st_size
    (tmp_path / "a/two.wav").rename(tmp_path / "a/renamed.wav")
    run(tmp_path / "a", "--out", tmp_path / "list.csv")
    assert cache.stat().st_size == size
    save(tmp_path / "a/renamed.wav", SOUNDS["chirps"] / 2)
    assert run(tmp_path / "a", "--out", tmp_path / "list.csv")[0].startswith("1 pairs")


def test_what_cannot_be_read_is_listed_and_kept(tmp_path: Path) -> None:
    save(tmp_path / "a/one.wav", SOUNDS["chirps"])
    (tmp_path / "a/text.wav").write_text("no sound")
    (tmp_path / "m.csv").write_text("file\na/one.wav\na/text.wav\na/gone.wav\n")
    arguments = ["dedup", str(tmp_path / "m.csv"), "--out", str(tmp_path / "list.csv")]
    ran = CliRunner().invoke(distill, [*arguments, "--drop-to", str(tmp_path / "kept.csv")])
    assert ran.exit_code == 0, ran.output
    assert "text.wav: not a format" in ran.stderr
    assert "gone.wav: cannot be read (No such file or directory)" in ran.stderr
    assert ran.stdout.splitlines()[1] == "2 clips skipped"
    assert len(read_manifest(tmp_path / "kept.csv")) == 3


def test_a_damaged_cache_is_one_line(tmp_path: Path) -> None:
    save(tmp_path / "a/one.wav", SOUNDS["one chirp"])
    cache = tmp_path / "cache"
    (cache / "distill").mkdir(parents=True)
    (cache / "distill/fingerprints-1.sqlite").write_bytes(b"nonsense" * 1000)
    arguments = ("distill", "dedup", tmp_path / "a", "--out", tmp_path / "list.csv")
    ran = tinyalm(*arguments, TINYALM_CACHE=str(cache))
    assert ran.returncode == 2
    line = one_line("\n".join(x for x in ran.stderr.splitlines() if x.startswith("tinyalm")))
    assert "fingerprints-1.sqlite: cannot be used (file is not a database)" in line
