"""No sound stays: not in files, and not in the memory of a process once its streams are closed."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.policy import marker
from tests.process import environment

RATE, SAMPLES = 16000, 50_000
MOMENT = 160  # 10 ms; what registers spill on the stack is shorter

EVERYTHING = """
import sys, tinyalm
from tinyalm.adapters import save_adapter
model, file = tinyalm.load(), sys.argv[1]
model.tag(file)
model.tag(file, ["dog barking"])
list(model.listen(file, ["dog barking"]))
save_adapter(model.learn({"mine": [file, file]}), "mine.adapter")
with model.index("sounds.db") as index:
    index.add(file)
    index.search_audio(file)
    index.search("dog barking")
"""


@pytest.fixture(scope="module")
def sound():
    """A marker: noise, no part of which is like any other or anything else."""
    return np.random.default_rng(5).uniform(-0.5, 0.5, SAMPLES).astype(np.float32)


@pytest.mark.parametrize("way", marker.WAYS)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_holds_none_of_it_once_the_stream_is_closed(sound, tmp_path, way):
    file = tmp_path / "marker.raw"
    file.write_bytes(sound.tobytes())
    process = subprocess.Popen(
        [*marker.command(way), str(file), str(SAMPLES)],
        stdin=-1,
        stdout=-1,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout.readline() == "ready\n"
        regions = marker.memory(process.pid)
    except PermissionError:
        pytest.skip("this system does not let one process see another's memory (ptrace_scope)")
    finally:
        process.communicate("")
    left = marker.longest_run(sound, regions)
    if way == "kept":
        assert left == SAMPLES - 1, "the search must find what is there"
    else:
        assert left < MOMENT


def test_files_hold_none_of_it(sound, tmp_path):
    source, home = tmp_path / "marker.wav", tmp_path / "home"
    home.mkdir()
    soundfile.write(source, sound, RATE, "PCM_16")
    subprocess.run(
        [sys.executable, "-c", EVERYTHING, str(source)],
        cwd=home,
        env=environment(home=home, TMPDIR=str(home), XDG_CACHE_HOME=str(home)),
        check=True,
        timeout=120,
    )
    written = {file.name: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert written.keys() == {"mine.adapter", "sounds.db"}
    heard, _ = soundfile.read(source, dtype="float32")
    pcm, _ = soundfile.read(source, dtype="int16")
    for at in range(0, SAMPLES - 8, 8):
        for kind in (heard, pcm, heard.astype(np.float64)):
            part = kind[at : at + 8].tobytes()
            assert not any(part in content for content in written.values())
