"""A reduced `benchmarks/soak.py`, and processes that fork with a loaded model."""

import json
import subprocess
import sys
from pathlib import Path

from tests.process import environment

SOAK = Path(__file__).parents[1] / "benchmarks" / "soak.py"
FORKED = """
import sys
from multiprocessing import get_context
import numpy as np, tinyalm
wave = np.random.default_rng(0).normal(0, 0.1, 40_000).astype("f4")

def hear(pipe, path):
    one = model if path is None else tinyalm.load(path)
    pipe.send(one.embed_audio(wave, 16000))

if __name__ == "__main__":
    model = tinyalm.load(sys.argv[1])
    expected = model.embed_audio(wave, 16000)
    for method, path in (("fork", None), ("fork", sys.argv[1]), ("spawn", sys.argv[1])):
        ours, theirs = get_context(method).Pipe()
        process = get_context(method).Process(target=hear, args=(theirs, path))
        process.start()
        assert ours.poll(60), method
        assert np.array_equal(ours.recv(), expected), method
        process.join()
        assert process.exitcode == 0
    assert np.array_equal(model.embed_audio(wave, 16000), expected)
"""


def test_memory_does_not_grow_with_calls_lengths_and_threads():
    command = [sys.executable, str(SOAK), "--calls", "600", "--longest", "6", "--json"]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["calls"], report["lengths"], report["threads"]) == (600, 50, 4)
    assert report["rss_growth_mb"] < 5  # with malloc in the place of the arena it was 7


def test_a_loaded_model_survives_fork_and_spawn(bundle, tmp_path):
    script = tmp_path / "forked.py"
    script.write_text(FORKED)
    done = subprocess.run(
        [sys.executable, str(script), str(bundle)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
