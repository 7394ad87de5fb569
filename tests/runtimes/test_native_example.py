"""The C program that turns a WAV into log-mel rows, as a user builds and runs it."""

import shutil
import subprocess
import wave

import numpy as np
import pytest

from tests.front_ends import EXACT, error, signal
from tests.runtimes.native_builds import EXAMPLE, build_program
from tests.runtimes.native_levels import needs_kernel
from tinyalm.frontend import PRESETS, program
from tinyalm_runtimes.native_library import LIBRARY

pytestmark = [
    needs_kernel,
    pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler"),
]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    return build_program(
        folder / "wav_to_log_mel", EXAMPLE, LIBRARY, "cc", "-O1", "-Wpedantic", "-Wconversion"
    )


@pytest.fixture
def edge(tmp_path):
    path = tmp_path / "edge-16k.logmel"
    path.write_bytes(program(PRESETS["edge-16k"]))
    return path


def write_wav(path, samples, rate, *, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def run(*command):
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=60
    )


def rows(said, n_mels):
    """The printed log-mel as (frames, n_mels) float32, exactly."""
    return np.array([line.split() for line in said.splitlines()], np.float32).reshape(-1, n_mels)


@pytest.mark.parametrize("name", PRESETS)
def test_it_prints_the_log_mel(example, tmp_path, name):
    spec = PRESETS[name]
    (tmp_path / "front-end.logmel").write_bytes(program(spec))
    samples = (signal("noise", spec.sample_rate // 2 + 1) * 32768).astype(np.int16)
    wav = write_wav(tmp_path / "noise.wav", samples, spec.sample_rate)
    ended = run(example, tmp_path / "front-end.logmel", wav)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = rows(ended.stdout, spec.n_mels)
    assert error(found, samples.astype(np.float32) / 32768, spec) <= EXACT


def test_chunks_before_the_samples_are_passed_over(example, edge, tmp_path):
    samples = (signal("chirp", 4000) * 32767).astype(np.int16)
    plain = write_wav(tmp_path / "plain.wav", samples, 16000)
    content = plain.read_bytes()
    listed = tmp_path / "listed.wav"
    listed.write_bytes(content[:12] + b"LIST\5\0\0\0abcde\0" + content[12:])
    assert run(example, edge, listed).stdout == run(example, edge, plain).stdout != ""


def test_no_samples_print_nothing(example, edge, tmp_path):
    wav = write_wav(tmp_path / "empty.wav", np.zeros(0, np.int16), 16000)
    ended = run(example, edge, wav)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def refused(example, *files):
    """The one line that the program ends with."""
    ended = run(example, *files)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"rate": 44100}, "not at the sample rate of the front end"),
        ({"rate": 16000, "channels": 2}, "not 16-bit mono PCM"),
        ({"rate": 16000, "width": 1}, "not 16-bit mono PCM"),
        ({"rate": 16000, "width": 4}, "not 16-bit mono PCM"),
    ],
)
def test_another_format_is_refused(example, edge, tmp_path, settings, why):
    wav = write_wav(tmp_path / "other.wav", np.zeros(4000, np.int16), **settings)
    assert refused(example, edge, wav) == f"{wav}: {why}"


@pytest.mark.parametrize("size", [0, 4, 12, 19, 36, 40, 44, 8043])
def test_a_truncated_recording_is_refused(example, edge, tmp_path, size):
    wav = write_wav(tmp_path / "cut.wav", np.zeros(4000, np.int16), 16000)
    assert wav.stat().st_size == 8044
    wav.write_bytes(wav.read_bytes()[:size])
    assert refused(example, edge, wav) == f"{wav}: no WAV file, or a truncated one"


def test_files_that_are_not_there_or_damaged_are_named(example, edge, tmp_path):
    wav = write_wav(tmp_path / "a.wav", np.zeros(4000, np.int16), 16000)
    gone = tmp_path / "gone"
    assert refused(example, gone, wav) == f"{gone}: cannot be opened"
    assert refused(example, edge, gone) == f"{gone}: cannot be opened"
    assert refused(example, wav, wav) == f"{wav}: not a front end"
    edge.write_bytes(edge.read_bytes()[:-1])
    assert refused(example, edge, wav) == f"{edge}: truncated or longer than it says"
    assert refused(example) == "usage: wav_to_log_mel FRONT_END.logmel IN.wav"
