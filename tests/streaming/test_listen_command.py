"""`tinyalm listen` as a process of its own."""

import contextlib
import csv
import json
import os
import pty
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
import soundfile

from tests.fakes import RATE, TONES, tone
from tests.process import COMMAND, environment, one_line, tinyalm

SOUND = np.concatenate([tone(TONES[0], 4), tone(TONES[5], 3), tone(TONES[1], 3.3)])
RAW = np.rint(SOUND * 32767).astype("<i2").tobytes()


@pytest.fixture
def street(tmp_path):
    soundfile.write(tmp_path / "street.wav", np.frombuffer(RAW, "<i2"), RATE, "PCM_16")
    return tmp_path / "street.wav"


@pytest.fixture
def start(bundle):
    """Start `tinyalm listen args`; ends what still runs."""
    processes = []

    def run(*args, **options):
        command = [*COMMAND, "listen", *map(str, args), "--bundle", str(bundle)]
        pipes = {"stdin": -1, "stdout": -1, "stderr": -1, "env": environment()} | options
        processes.append(subprocess.Popen(command, **pipes))
        return processes[-1]

    yield run
    for process in processes:
        with process:  # which closes its pipes
            process.kill()


def parsed(stdout):
    return [json.loads(line) for line in stdout.splitlines()]


def test_the_events_of_a_file_in_every_form(bundle, street):
    done = tinyalm("listen", street, "--bundle", bundle, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    hum, buzz = parsed(done.stdout)
    assert list(hum) == ["label", "score", "start", "end", "peak"]
    assert (hum["label"], hum["start"], hum["end"]) == ("hum", 0, 4.5)
    assert (buzz["label"], buzz["start"], buzz["end"]) == ("buzz", 6.5, 10.3)
    rows = list(
        csv.DictReader(tinyalm("listen", street, "--bundle", bundle, "--csv").stdout.split())
    )
    assert [(r["label"], float(r["end"])) for r in rows] == [("hum", 4.5), ("buzz", 10.3)]
    track = tinyalm("listen", street, "--bundle", bundle, "--audacity").stdout
    assert track == "0.000000\t4.500000\thum\n6.500000\t10.300000\tbuzz\n"


def test_pcm_in_small_pieces_with_a_stall_is_the_file(start, street, bundle):
    expected = tinyalm("listen", street, "--bundle", bundle, "--json", "--min-gap", 3).stdout
    process = start("-", "--rate", RATE, "--json", "--min-gap", 3)
    for at in range(0, len(RAW), 3001):
        process.stdin.write(RAW[at : at + 3001])
        process.stdin.flush()
        if at == 3001 * 40:
            time.sleep(0.5)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout.decode(), stderr) == (0, expected, b"")


def test_ctrl_c_ends_open_events_and_prints_them(start):
    process = start("-", "--rate", RATE, "--json")
    process.stdin.write(RAW)
    process.stdin.flush()
    first = process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 2
    events = parsed(first + process.stdout.read())
    assert [(e["label"], e["start"]) for e in events] == [("hum", 0), ("buzz", 6.5)]
    line = one_line(process.stderr.read().decode())
    assert line == "tinyalm: interrupted; what was finished is kept"


def test_a_source_that_is_read_ahead_and_ends_within_a_sample(start):
    process = start("-", "--rate", RATE, "--json", "--when-full", "merge")
    stdout, stderr = process.communicate(RAW + b"x", timeout=60)
    assert process.returncode == 0
    assert parsed(stdout)[-1]["end"] == 10.3
    assert b"ended within a sample" in stderr


def test_ctrl_c_while_a_thread_waits_for_a_pipe_that_stalls(start):
    process = start("-", "--rate", RATE, "--json", "--when-full", "drop_oldest")
    process.stdin.write(RAW)
    process.stdin.flush()
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 2
    assert parsed(first)[0]["label"] == "hum"
    assert process.stderr.read().endswith(b"interrupted; what was finished is kept\n")


def test_nothing_is_written_and_no_rich_is_imported(bundle, street, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import atexit, sys; from tinyalm.cli.main import run\n"
        "extra = {'rich', 'sounddevice', 'torch', 'onnx'}\n"
        "atexit.register(lambda: print(sorted(extra & {*sys.modules}), file=sys.stderr)); run()"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", code, "listen", str(street), "--bundle", str(bundle)],
        env=environment(home=home, XDG_CACHE_HOME=str(home), TMPDIR=str(home)),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "[]\n"
    assert not list(home.iterdir())


def drawn_on(terminal):
    """All that is written to a terminal until nobody holds its other end."""
    drawn = b""
    with contextlib.suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as file:
        while more := file.read(1 << 16):
            drawn += more
    return drawn.decode()


def test_the_live_view(start, street):
    master, slave = pty.openpty()
    process = start(street, "--live", "--json", stderr=slave, env=environment(TERM="xterm"))
    os.close(slave)
    with ThreadPoolExecutor(1) as pool:  # a terminal that is not read stops who writes to it
        drawing = pool.submit(drawn_on, master)
        stdout, _ = process.communicate(timeout=60)
        drawn = drawing.result()
    assert [e["label"] for e in parsed(stdout)] == ["hum", "buzz"]
    for shown in ("level", "hum", "buzz", "dBFS", "0:10.3 heard", "10 windows"):
        assert shown in drawn


def test_a_rule_file_and_options_above_it(bundle, street, tmp_path):
    (tmp_path / "rule.json").write_text('{"min_duration_s": 4, "labels": {"hum": {"on": 0.99}}}')
    args = ["listen", street, "--bundle", bundle, "--json", "--rule", tmp_path / "rule.json"]
    assert [e["label"] for e in parsed(tinyalm(*args).stdout)] == ["hum"]
    assert len(parsed(tinyalm(*args, "--min-duration", 1).stdout)) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-"], "raw samples do not state their rate"),
        pytest.param(
            ["mic"],
            'the microphone needs: pip install "tinyalm[mic]"',
            marks=pytest.mark.skipif(find_spec("sounddevice") is not None, reason="it is there"),
        ),
        (["none.wav"], "no such file"),
        (["none.wav", "--rate", "8000"], "--rate, --channels and --format are for raw samples"),
        (["none.wav", "--when-full", "merge"], "a file can wait"),
        (["none.wav", "--on", "2"], "on is 2"),
        (["none.wav", "--off", "0.9"], "off 0.9 is above"),
    ],
)
def test_what_cannot_be_done_is_one_line(start, args, message):
    process = start(*args)
    stdout, stderr = process.communicate(b"raw samples", timeout=60)
    assert process.returncode == 2
    assert stdout == b""
    assert message in one_line(stderr.decode())
