"""How a running `tinyalm tag` behaves towards the system around it."""

import json
import signal
import subprocess
import sys

import pytest
import soundfile

from tests.fakes import RATE, tone, write_tone
from tests.process import COMMAND, environment, one_line

AUDITED = """
import os, sys
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith("socket.") else None)
from tinyalm.cli.main import run
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
held = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")] if os.path.isdir("/proc/self/fd") else []
print(*sorted({"torch", "transformers", "onnx"} & {*sys.modules}), file=sys.stderr)
print(*seen, *(link for link in held if link.startswith("socket:")), file=sys.stderr)
"""


@pytest.fixture
def hum(tmp_path):
    return write_tone(tmp_path / "hum.wav", "hum")


def test_no_torch_no_socket_nothing_written(bundle, hum, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, "tag", str(hum), "--bundle", str(bundle), "--json"],
        env=environment(home=home, XDG_CACHE_HOME=str(home), TMPDIR=str(home)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == "\n\n"
    assert not list(home.iterdir())


def test_memory_does_not_grow_with_the_recording(bundle, hum, tmp_path):
    with soundfile.SoundFile(tmp_path / "long.flac", "w", RATE, 1) as file:
        for _ in range(20):
            file.write(tone(250, 60))
    code = (
        f"import atexit, resource, sys; {COMMAND[-1].partition(';')[0]}\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "atexit.register(lambda: print(used(), file=sys.stderr)); run()"
    )
    peaks = []
    for file in (hum, tmp_path / "long.flac"):
        done = subprocess.run(
            [sys.executable, "-c", code, "tag", str(file), "--bundle", str(bundle), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=environment(),
        )
        peaks.append(int(done.stderr) / 1024)
    assert peaks[1] - peaks[0] < 20  # MB; the samples alone would be 77


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_interrupt_keeps_what_is_finished(bundle, hum, jobs):
    # A test runner in the background passes on an ignored SIGINT.
    code = f"import signal; signal.signal(2, signal.default_int_handler); {COMMAND[-1]}"
    files = [str(hum)] * 20_000
    command = [sys.executable, "-c", code, "tag", *files, "--bundle", str(bundle), "--json"]
    command += ["--jobs", str(jobs)]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment())
    first = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    rest, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert one_line(stderr) == "tinyalm: interrupted; what was finished is kept"
    lines = [*first, *rest.splitlines()]
    assert 3 <= len(lines) < len(files)
    assert all(json.loads(line)["file"] == files[0] for line in lines)


def test_an_interrupt_while_the_decoder_reads_is_not_lost(bundle, hum):
    code = (
        "import io, os, signal, sys, traceback, tinyalm; from tinyalm.cli import interrupts\n"
        "signal.signal(2, signal.default_int_handler); interrupts.install()\n"
        "class Stream(io.FileIO):\n"
        "    sent = False\n"
        "    def read(self, size=-1):\n"
        "        inside = any(f.name == 'vio_read' for f in traceback.extract_stack())\n"
        "        if inside and not self.sent:\n"
        "            self.sent = True\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "        return super().read(size)\n"
        "model, stream = tinyalm.load(sys.argv[1]), Stream(sys.argv[2])\n"
        "try: [model.embed_windows(stream) for _ in range(10_000)]\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    command = [sys.executable, "-c", code, str(bundle), str(hum)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment()
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_a_reader_that_leaves_is_no_error(bundle, hum):
    files = [str(hum)] * 2000
    command = [*COMMAND, "tag", *files, "--bundle", str(bundle), "--json"]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment())
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 1
