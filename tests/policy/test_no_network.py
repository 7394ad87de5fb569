"""Nothing that tinyalm does needs a network, or tries for one."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.fakes import write_tone
from tests.policy.files import write_policy
from tests.process import environment

UNSHARE = shutil.which("unshare")
# The whole command line and API, each in a process that fails on any socket.
HOOKED = """
import sys
def no_socket(event, args):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise SystemExit(f"{event} {args}")
sys.addaudithook(no_socket)
"""
COMMAND = HOOKED + "from tinyalm.cli.main import run; run()"
API = (
    HOOKED
    + """
import numpy as np, tinyalm
from tinyalm.adapters import load_adapter, save_adapter
from tinyalm.index import Index
import tinyalm.streaming, tinyalm.policy
hum, where = sys.argv[1:3]
model = tinyalm.load(policy=sys.argv[3])
x = np.random.default_rng(0).normal(0, 0.1, 32000).astype("f4")
model.tag(hum); model.tag(x, ["rain", "dog barking"], sample_rate=16000)
windows = model.embed_windows(hum)
model.score(windows, model.embed_labels(["rain"]))
model.embed_audio([x, x], 16000); model.embed_text(["rain"])
list(model.listen(hum, ["rain"]))
with model.session(["rain"]) as session:
    session.push(x, 44100); session.flush()
learned = model.learn({"kettle": [x, x], "bell": [x, x]}, sample_rate=16000)
save_adapter(learned, where + "/a.adapter"); model.detach(); model.attach(where + "/a.adapter")
model.detach()
with model.index(where + "/api.db", key=bytes(32)) as index:
    index.add(hum); index.search("rain"); index.search_audio(hum)
    index.export(where + "/p.parquet")
    index.info(); index.move(hum, where + "/b.wav"); index.remove(where + "/b.wav")
"""
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recording, and a home that is empty."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sounds").mkdir()
    (folder / "home").mkdir()
    write_tone(folder / "sounds" / "hum.wav", "hum")
    write_policy(folder / "policy.toml")
    return folder


def alone(program, *args, place, stdin=None):
    """Run Python in a network namespace without interfaces, but for a loopback that is down."""
    if UNSHARE is None:
        pytest.skip("there is no unshare on this system")
    if subprocess.run([UNSHARE, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system does not let tests make a network namespace (unshare -rn)")
    return subprocess.run(
        [UNSHARE, "-rn", sys.executable, "-c", program, *map(str, args)],
        cwd=place,
        env=environment(home=place / "home", XDG_CACHE_HOME=str(place / "home" / "cache")),
        capture_output=True,
        input=stdin,
        timeout=120,
        check=False,
    )


def test_there_is_no_interface(place):
    code = (
        "import os; print(os.listdir('/sys/class/net') == ['lo'] or open('/proc/net/dev').read())"
    )
    done = alone(code, place=place)
    assert b"eth" not in done.stdout, done.stdout


def test_a_socket_would_be_noticed(place):
    done = alone(HOOKED + "import socket; socket.socket()", place=place)
    assert b"socket.__new__" in done.stderr


def test_the_whole_api(place):
    hum = place / "sounds" / "hum.wav"
    done = alone(API, hum, place, place / "policy.toml", place=place)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not list((place / "home").rglob("*"))


COMMANDS = [
    ["tag", "sounds/hum.wav"],
    ["tag", "sounds/hum.wav", "--labels", "rain,dog barking", "--policy", "policy.toml", "--json"],
    ["listen", "sounds/hum.wav", "--labels", "beep", "--csv"],
    ["listen", "-", "--rate", "16000", "--labels", "beep"],
    ["index", "sync", "sounds", "--index", "a.db"],
    ["index", "add", "sounds/hum.wav", "--index", "a.db"],
    ["search", "a hum", "--index", "a.db"],
    ["search", "--audio", "sounds/hum.wav", "--index", "a.db"],
    ["index", "info", "--index", "a.db"],
    ["index", "export", "a.parquet", "--index", "a.db"],
    ["index", "move", "sounds/hum.wav", "sounds/b.wav", "--index", "a.db"],
    ["index", "remove", "sounds", "--index", "a.db"],
    ["learn", "--name", "hum", "sounds/hum.wav", "sounds/hum.wav", "--out", "a.adapter"],
    ["labels", "--out", "a.labels"],
    ["info"],
    ["policy", "check", "policy.toml"],
    ["doctor"],
    ["doctor", "--privacy"],
    ["--help"],
]


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_every_command(place, args):
    done = alone(COMMAND, *args, place=place, stdin=bytes(64000) if "-" in args else b"")
    assert (done.returncode, done.stderr) == (0, b"")


def test_doctor_says_what_was_checked(place):
    done = alone(COMMAND, "doctor", "--privacy", "--json", place=place)
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    for name in ("sockets", "network clients", "files written", "programs started", "telemetry"):
        assert checks[name]["state"] == "ok", checks[name]
    assert checks["ring buffer"]["state"] == "ok"
    assert checks["policy"]["said"].startswith("the default policy: tasks tag")
    assert not list((place / "home").rglob("*"))


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        ("import socket; socket.socket()", "sockets"),
        ("open('/tmp/x' if 0 else 'kept.raw', 'wb')", "files written"),
        ("import os; os.open('kept2.raw', os.O_CREAT | os.O_WRONLY)", "files written"),
        ("import subprocess; subprocess.run(['true'])", "programs started"),
    ],
)
def test_doctor_finds_what_a_run_does_wrong(tmp_path, harm, name):
    code = (
        "import tinyalm.model, tinyalm.cli.privacy as p\n"
        "tag = tinyalm.model.Model.tag\n"
        f"def bad(*a, **k):\n    {harm}\n    return tag(*a, **k)\n"
        "tinyalm.model.Model.tag = bad\n"
        "print([c.name for c in p.examine() if c.state == 'FAILED'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment(),
    )
    assert name in done.stdout
