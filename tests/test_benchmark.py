import json
import sys
from pathlib import Path

import pytest

from tests.distill.sounds import make_sounds
from tests.process import one_line, tinyalm
from tinyalm.benchmark import Contender, race
from tinyalm.errors import BenchmarkError
from tinyalm.shipped import find_bundle

SLEEPER = """
import sys, time
from tinyalm.benchmark import serve

def load():
    print("noise on standard output must not be taken for an answer")
    return lambda waveform: time.sleep(float(sys.argv[1]) * waveform.size / 1000)

serve(load, 1.0, 1000)
"""


def sleeper(name: str, seconds: float) -> Contender:
    return Contender(name, ["-c", SLEEPER, str(seconds)])


def test_a_race_tells_the_quick_from_the_slow() -> None:
    turns: list[tuple[int, int]] = []
    rows = race(
        [sleeper("slow", 0.05), sleeper("quick", 0.005)],
        clip_s=1.0,
        threads=1,
        runs=5,
        progress=lambda done, of: turns.append((done, of)),
    )
    assert [row.name for row in rows] == ["slow", "quick"]
    slow, quick = rows
    assert slow.speedup == slow.speedup_low == slow.speedup_high == 1
    assert quick.speedup > 1
    assert quick.speedup_low <= quick.speedup <= quick.speedup_high
    for row, least in ((slow, 50), (quick, 5)):
        assert least <= row.p50_ms <= row.p95_ms
        assert row.rtf == pytest.approx(row.p50_ms / 1000)
        assert row.cold_start_s > least / 1000
        assert row.runs == 5
        if sys.platform == "linux":
            assert row.peak_rss_mb > 5
    assert turns == [(done, 5) for done in range(1, 6)]


def test_a_contender_that_fails_says_why() -> None:
    broken = Contender("broken", ["-c", "raise SystemExit('no model here')"])
    with pytest.raises(BenchmarkError, match="broken ended before it answered: no model here"):
        race([sleeper("fine", 0.001), broken], clip_s=1.0, threads=1, runs=2)


def test_bench_measures_bundles_side_by_side() -> None:
    done = tinyalm("bench", "micro", "micro", "--runs", 3, "--seconds", 2, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == ["tinyalm-micro-int8"] * 2
    for row in rows:
        assert (row["clip_s"], row["threads"], row["runs"]) == (2.0, 1, 3)
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["bytes"] == sum(file.stat().st_size for file in find_bundle().iterdir())
        assert row["cold_start_s"] > 0
        assert row["host"]["cores"]
        assert row["versions"]["onnxruntime"]
    assert rows[0]["speedup"] == 1


def test_bench_prints_a_page_with_accuracy_where_a_manifest_is_given(tmp_path: Path) -> None:
    done = tinyalm("bench", "--runs", 2, "--seconds", 1, "--manifest", make_sounds(tmp_path))
    assert done.returncode == 0, done.stderr
    page = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert "ms (of 1 s, 1 thread)" in page["a clip"]
    assert 0 <= float(page["top-5"]) <= 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.tinyalm"], "none.tinyalm"),
        (["--manifest", "none.csv", "--runs", "2", "--seconds", "1"], "none.csv"),
    ],
)
def test_bench_refuses_what_is_not_there(arguments: list[str], says: str) -> None:
    done = tinyalm("bench", *arguments)
    assert done.returncode == 2
    assert says in one_line(done.stderr.splitlines()[-1])
