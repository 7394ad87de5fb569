"""Real audio files, good ones of every sort and one for each way in which a file can be bad."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
TONE_HZ = 440


def tone(seconds=1.0, rate=RATE, channels=None):
    """A sine, float32; each further channel is half as loud as the one before."""
    wave = 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(seconds * rate)) / rate)
    if channels is not None:
        wave = wave[:, None] * 0.5 ** np.arange(channels)
    return wave.astype(np.float32)


def hiss(seconds=1.0, rate=RATE, channels=1):
    """Noise, (samples, channels) float32: no two of its parts are alike."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate), channels))
    return noise.astype(np.float32)


def write(path, samples, rate=RATE, subtype=None, kind=None):
    """Write samples with libsndfile; the kind of file follows from the name if it is not given."""
    soundfile.write(path, samples, rate, subtype, format=kind)
    return path


def cut(path, target, keep=0.6):
    """Copy the first part of a file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * keep)])
    return target


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that cannot be used, by what is wrong with them; ``missing`` is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"missing": folder / "missing.wav", "directory": folder / "directory.wav"}
    files["directory"].mkdir()
    for name, content in {
        "empty.wav": b"",
        "text_renamed.wav": b"These are words, not waves.\n" * 50,
        "text_renamed_mp3.mp3": b"These are words, not waves.\n" * 50,
        "headerless.raw": bytes(range(256)) * 100,
    }.items():
        files[name.split(".")[0]] = folder / name
        (folder / name).write_bytes(content)
    for kind in ("wav", "aiff", "flac", "ogg", "opus", "mp3"):
        whole = write(folder / f"whole.{kind}", hiss(2.0, 48000), 48000, **_coded(kind))
        name = "truncated" if kind == "wav" else f"truncated_{kind}"
        files[name] = cut(whole, folder / f"{name}.{kind}")
        whole.unlink()
    some_nan = tone()
    some_nan[RATE // 2 :] = np.nan
    for name, samples in {
        "zero_length": np.zeros(0, np.float32),
        "one_sample": tone()[1:2],
        "too_short": tone(0.005),
        "all_nan": np.full(RATE, np.nan, np.float32),
        "some_nan": some_nan,
        "infinite": np.full(RATE, np.inf, np.float32),
        "silent": np.zeros(RATE, np.float32),
        "almost_silent": tone() * 1e-5,
        "opposite_channels": tone(channels=1) * [1, -1],
    }.items():
        files[name] = write(folder / f"{name}.wav", samples, subtype="FLOAT")
    return files


def good_files(folder: Path) -> dict[str, Path]:
    """Recordings of one second of `TONE_HZ`, by what is unusual about them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, (rate, channels, subtype) in {
        "mono": (16000, 1, "PCM_16"),
        "stereo": (44100, 2, "PCM_16"),
        "eight_channels": (48000, 8, "PCM_24"),
        "rate_192k": (192000, 2, "PCM_24"),
        "rate_8k": (8000, 1, "ULAW"),
        "rate_11025": (11025, 1, "PCM_U8"),
        "bits_24": (44100, 1, "PCM_24"),
        "bits_32": (48000, 1, "PCM_32"),
        "float32": (48000, 1, "FLOAT"),
        "float64": (48000, 2, "DOUBLE"),
        "adpcm": (22050, 1, "IMA_ADPCM"),
        "gsm": (8000, 1, "GSM610"),
    }.items():
        files[name] = write(folder / f"{name}.wav", tone(1.0, rate, channels), rate, subtype)
    for kind in ("aiff", "flac", "ogg", "opus", "mp3", "au", "caf", "w64"):
        files[kind] = write(folder / f"sound.{kind}", tone(1.0, 48000, 2), 48000, **_coded(kind))
    files["upper_case"] = write(folder / "LOUD.WAV", tone())
    files["unicode"] = write(folder / "Vögel im Mai, 鳥.wav", tone())
    files["no_suffix"] = write(folder / "recording", tone(), kind="WAV", subtype="PCM_16")
    files["misnamed"] = write(folder / "really_flac.wav", tone(), kind="FLAC", subtype="PCM_16")
    return files | _odd_files(files, folder)


def _odd_files(files, folder):
    """Good files that players play and strict readers trip over."""
    odd = {
        # Recorders that write to a pipe do not know the length beforehand.
        "wav_of_unknown_length.wav": _patched(files["mono"], 40, b"\xff\xff\xff\xff"),
        "flac_of_unknown_length.flac": _patched(files["flac"], 21, b"\xf0\0\0\0\0", keep=0xF0),
        "wav_with_trailing_bytes.wav": files["mono"].read_bytes() + b"added later",
        "mp3_with_empty_tag.mp3": b"ID3\3\0\0\0\0\0\0" + files["mp3"].read_bytes(),
        "mp3_with_tags.mp3": _id3(b"\xff\xfb" * 2000) + files["mp3"].read_bytes() + _ape(5000),
        "mp3_without_count.mp3": uncounted(files["mp3"].read_bytes()),
        "mp3_behind_zeros.mp3": bytes(300) + uncounted(files["mp3"].read_bytes()),
    }
    for name, data in odd.items():
        (folder / name).write_bytes(data)
    return {name.split(".")[0]: folder / name for name in odd}


def uncounted(mp3: bytes) -> bytes:
    """An MP3 file without its first frame, which counts the others."""
    assert b"Info" in mp3[:64] or b"Xing" in mp3[:64]
    return mp3[mp3.index(mp3[:2], 4) :]


def _patched(path, at, data, keep=0):
    """A file's bytes with some of them replaced; of the first one the bits ``keep`` stay."""
    old = path.read_bytes()
    first = (old[at] & keep) | (data[0] & ~keep & 0xFF)
    return old[:at] + bytes([first]) + data[1:] + old[at + len(data) :]


def _id3(content):
    size = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + content


def _ape(size):
    """An APE tag without a header."""
    footer = b"APETAGEX" + (2000).to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(16)
    return bytes(size - len(footer)) + footer


def _coded(kind):
    return {"kind": "OGG", "subtype": "OPUS"} if kind == "opus" else {}
