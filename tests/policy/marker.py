"""A process that hears a marker and closes, and the search for what is left of the marker."""

import sys
from pathlib import Path

import numpy as np

# How the marker is heard and let go.
WAYS = {
    "flushed": """
with model.session(["dog barking"]) as session:
    for at in range(0, len(heard), 3000):
        session.push(heard[at : at + 3000])
    session.flush()
""",
    "closed with all of it waiting": """
with model.session(["dog barking"]) as session:
    for at in range(0, len(heard), 3000):
        session.feed(heard[at : at + 3000])
""",
    "kept": "",
}

PROGRAM = """
import sys
import numpy as np
import tinyalm
model = tinyalm.load()
heard = np.empty(int(sys.argv[2]), np.float32)
with open(sys.argv[1], "rb", buffering=0) as file:
    file.readinto(heard)
{way}
if {clean}:
    heard.fill(0)
print("ready", flush=True)
sys.stdin.read()
"""


def command(way: str) -> list[str]:
    """What runs the program that hears the marker in this way."""
    program = PROGRAM.format(way=WAYS[way], clean=way != "kept")
    return [sys.executable, "-c", program]


def memory(pid: int) -> list[bytes]:
    """What a process can write to, region by region.

    Raises:
        PermissionError: this system does not let one process see another's memory.
    """
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as raw:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights, *_ = line.split()
            if rights.startswith("rw"):
                first, last = (int(part, 16) for part in where.split("-"))
                raw.seek(first)
                found.append(raw.read(last - first))
    return found


def longest_run(marker: np.ndarray, regions: list[bytes]) -> int:
    """The most consecutive samples of the marker, (samples,) float32, that the regions hold."""
    pairs = _pairs(marker.tobytes())
    order = np.sort(pairs)
    there = np.zeros(len(pairs), bool)
    for region in regions:
        for shift in (0, 4):
            held = np.frombuffer(region, np.uint64, (len(region) - shift) // 8, shift)
            held = held[held >> np.uint64(32) != 0]
            at = np.minimum(np.searchsorted(order, held), len(order) - 1)
            there |= np.isin(pairs, held[order[at] == held])
    ends = np.flatnonzero(~np.concatenate([[False], there, [False]]))
    return int(np.diff(ends).max()) - 1


def _pairs(raw: bytes) -> np.ndarray:
    """Every two neighbouring samples as one number."""
    words = np.frombuffer(raw, np.uint32).astype(np.uint64)
    return words[:-1] | words[1:] << np.uint64(32)
