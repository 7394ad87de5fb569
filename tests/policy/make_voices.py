"""Makes voices.npz: what `micro` hears of synthesised voices, alone and over other sounds.

    python tests/policy/make_voices.py --espeak espeak-ng --sounds FOLDER

Eight voices of eSpeak NG say ten words three times over, in six renditions of other paces and
pitches: alone, and 10 dB and 0 dB above recordings without voices from FOLDER. One window of each
is kept, as int8. `speaker`, `word`, `rendition`, and `snr` (99 for none) say which it is;
`background` is what is heard of the recordings alone.
"""

import argparse
import io
import itertools
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

import tinyalm
from tinyalm.index.quantization import to_int8
from tinyalm.policy.families import SPEECH, VOICE, labels_of

VOICES = ("m1", "m3", "m7", "f2", "f4", "f5", "Michael", "steph")
WORDS = (
    "yesterday", "hospital", "money", "children", "password",
    "tomorrow", "address", "medicine", "Jonathan", "seventeen",
)  # fmt: skip
PACES = (140, 150, 160, 170, 180, 190)
RATE, SAMPLES, BACKGROUNDS, ALONE = 16000, 32000, 60, 99


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--espeak", default="espeak-ng")
    parser.add_argument("--sounds", type=Path, required=True)
    options = parser.parse_args()
    model, draw = tinyalm.load(), np.random.default_rng(1)
    sounds = backgrounds(model, options.sounds, draw)
    rows: dict[str, list] = {n: [] for n in ("rows", "speaker", "word", "rendition", "snr")}
    for speaker, word, rendition in itertools.product(range(8), range(10), range(6)):
        said = say(options.espeak, VOICES[speaker], WORDS[word], PACES[rendition], draw)
        for snr in (ALONE, 10, 0):
            under = sounds[draw.integers(len(sounds))] if snr != ALONE else 0
            mixed = said * 10 ** (snr % ALONE / 20) + under
            heard = model.embed_windows((0.5 * mixed / np.abs(mixed).max()).astype("f4"), RATE)
            values = (heard.embeddings[0], speaker, word, rendition, snr)
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    embeddings = to_int8(np.array(rows.pop("rows")))
    alone = [row for x in sounds for row in model.embed_windows(x.astype("f4"), RATE).embeddings]
    np.savez_compressed(
        Path(__file__).with_name("voices.npz"),
        embeddings=embeddings,
        background=to_int8(np.array(alone)),
        audio_sha256=model.manifest.files[model.manifest.audio.file].sha256,
        **{name: np.array(values, np.uint8) for name, values in rows.items()},
    )


def say(espeak: str, voice: str, word: str, pace: int, draw: np.random.Generator) -> np.ndarray:
    """A voice saying a word three times, (SAMPLES,) of power 1."""
    pitch = str(draw.integers(40, 61))
    asked = ["-v", f"en-us+{voice}", "-s", str(pace), "-p", pitch, "--stdout"]
    done = subprocess.run([espeak, *asked, ", ".join([word] * 3)], capture_output=True, check=True)
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return _even(soxr.resample(samples, rate, RATE))


def backgrounds(model: tinyalm.Model, folder: Path, draw: np.random.Generator) -> list[np.ndarray]:
    """Recordings in which no window is nearest to a voice, (SAMPLES,) each, of power 1."""
    labels = model.embed_labels()
    voices = {*labels_of({SPEECH, VOICE})}
    voiced = np.array([label in voices for label in labels.labels])
    found: list[np.ndarray] = []
    files = sorted(folder.rglob("*.ogg"))
    for number in draw.permutation(len(files)):
        samples, rate = soundfile.read(files[number], dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, RATE)[:SAMPLES]
        if len(mono) < SAMPLES or np.sqrt(np.mean(mono**2)) < 0.01:
            continue
        heard = model.embed_windows(mono.astype("f4"), RATE).embeddings
        if not voiced[(heard @ labels.embeddings.T).argmax(axis=1)].any():
            found.append(_even(mono))
            if len(found) == BACKGROUNDS:
                break
    return found


def _even(samples: np.ndarray) -> np.ndarray:
    long = np.pad(samples[:SAMPLES], (0, max(0, SAMPLES - len(samples))))
    return long / np.sqrt(np.mean(long**2))


if __name__ == "__main__":
    main()
