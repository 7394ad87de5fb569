import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from tests.fakes import RATE as MODEL_RATE
from tests.fakes import TONES, tone
from tests.streaming.small import RATE, bursts, encode, heard, session
from tinyalm.errors import AudioError, BundleError, ConfigError
from tinyalm.ring_buffer import RingBuffer
from tinyalm.streaming import EventRule, Session
from tinyalm.streaming.backlog import Backlog

RULE = EventRule(on=0.45, off=0.4, min_duration_s=0.12, min_gap_s=0.15, smoothing_s=0.05)


def patterns(samples, count):
    """Ways to cut a stream: some of few samples a push, some of many, some pushes empty."""
    for seed in range(count):
        draw = np.random.default_rng(seed)
        sizes = draw.integers(
            0, draw.choice([3, 40, 400, 4000], p=[0.04, 0.32, 0.32, 0.32]), samples
        )
        yield np.cumsum(sizes[: 1 + np.searchsorted(np.cumsum(sizes), samples)])


@pytest.mark.parametrize("rate", [RATE, 1470])
def test_no_event_missed_or_doubled_over_a_thousand_patterns(rate):
    stream = bursts(3)
    with session(RULE) as one:
        expected = [*one.push(stream, rate), *one.flush()]
    assert len(expected) >= 4
    for cuts in patterns(stream.size, 500):
        with session(RULE) as one:
            events = [e for piece in np.split(stream, cuts) for e in one.push(piece, rate)]
            assert events + one.flush() == expected


def test_a_stream_is_answered_as_the_file_is(model):
    parts = [tone(TONES[i % 4], seconds, 44100) for i, seconds in enumerate((3, 2.3, 4, 1.7))]
    sound = np.concatenate(parts)
    rule = EventRule(smoothing_s=0.3, min_gap_s=0.2)
    expected = list(model.listen(sound, rule=rule, sample_rate=44100))
    assert [e.label for e in expected] == ["hum", "buzz", "horn", "beep"]
    for cuts in patterns(sound.size, 30):
        with model.session(rule=rule) as one:
            pieces = np.split(sound, cuts[-30:] if len(cuts) > 3000 else cuts)
            assert [e for p in pieces for e in one.push(p, 44100)] + one.flush() == expected


def test_scores_are_those_that_tag_gives(model):
    sound = np.concatenate([tone(TONES[0], 3.3), tone(TONES[1], 2.5)])
    tagged = model.tag(sound, sample_rate=MODEL_RATE, top_k=4)
    with model.session() as one:
        one.push(sound)
        one.flush()
        assert one.counts.answered == len(tagged.segments)
        assert one.top(4) == [(tag.label, tag.score) for tag in tagged.segments[-1].tags]


def test_many_sessions_of_one_model_in_many_threads(model):
    def run(number):
        sound = tone(TONES[number % 4], 3 + number / 4)
        with model.session() as one:
            return [e for p in np.array_split(sound, 50) for e in one.push(p)] + one.flush()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, range(8)))
    assert together == [run(number) for number in range(8)]
    assert len({events[0] for events in together}) == 8


def test_no_clock_is_read(monkeypatch):
    expected = heard([bursts(3)])
    jumps = iter(np.random.default_rng(0).uniform(-1e9, 1e9, 10_000).tolist())
    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: next(jumps))
    assert heard(np.split(bursts(3), 100)) == expected


def test_channels_and_integers_are_heard_alike():
    mono = bursts(2) * np.float32(0.9)
    whole = (mono * 32768).astype(np.int16)
    stereo = np.stack([whole, whole], axis=1)
    assert heard([stereo])[0] == heard([whole])[0] == heard([whole.astype(np.float32) / 32768])[0]


def test_faults_of_the_source_are_silence_and_counted():
    stream, silenced = bursts(2) * np.float32(0.9), bursts(2) * np.float32(0.9)
    at = {100: np.nan, 700: np.inf, 701: -np.inf, 1500: 1e30}
    for index, value in at.items():
        stream[index], silenced[index] = value, 0
    stream[1200:1210] = silenced[1200:1210] = 1.5
    events, counts = heard(np.split(stream, [50, 650]))
    assert events == heard([silenced])[0]
    assert (counts.samples, counts.bad_samples, counts.clipped_samples) == (2000, 4, 10)


def test_a_rate_that_changes_is_one_stream():
    slow, fast = np.full(500, 0.7, np.float32), np.full(2000, 0.7, np.float32)
    with session() as one:
        events = [*one.push(slow), *one.push(fast, 2000), *one.push(slow, 1000), *one.flush()]
        assert one.seconds == 2.0
        assert (one.counts.rate_changes, one.counts.samples) == (2, 3000)
    assert [(e.start, e.end) for e in events] == [(0, 2)] * 3
    for rate in (0, 99, -5):
        with session() as one, pytest.raises(AudioError, match=f"{rate} Hz is no rate"):
            one.push(slow, rate)


@pytest.mark.parametrize("samples", [1, 37, 150, 200, 201])
def test_a_short_stream_is_one_window_padded(samples):
    events, counts = heard([np.ones(samples, np.float32)], EventRule(on=0.01))
    assert counts.windows == 1 + (samples > 200)
    assert {e.end for e in events} == {samples / RATE}


def test_nothing_heard_is_nothing_answered():
    assert heard([])[0] == heard([np.zeros(0, np.float32)])[0] == []


def test_what_is_no_sound_is_refused():
    with session() as one:
        for samples, message in ((np.ones(5, bool), "bool"), (np.ones((2, 2, 2)), "shape")):
            with pytest.raises(AudioError, match=message):
                one.push(samples)


def test_a_closed_session_says_so():
    one = session()
    one.push(bursts(1))
    one.flush()
    assert one.flush() == []
    for call in (one.push, one.feed):
        with pytest.raises(ConfigError, match="closed"):
            call(bursts(1))


def kept(thing, seen=None):
    """Every array of floats that an object holds, at any depth."""
    seen = {} if seen is None else seen
    if id(thing) in seen:
        return []
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        return [thing] if thing.dtype == np.float32 and thing.ndim == 1 else []
    names = [*getattr(thing, "__dict__", {}), *getattr(type(thing), "__slots__", ())]
    parts = [getattr(thing, n) for n in names if not callable(getattr(thing, n))]
    if isinstance(thing, list | tuple) or type(thing).__name__ == "deque":
        parts += list(thing)
    return [array for part in parts for array in kept(part, seen)]


def test_the_sound_held_is_zeroed_on_close():
    one = session()
    one.feed(bursts(0.55))
    held = kept(one)
    assert len(held) == 1 + 4  # the ring and the windows that wait
    assert all(np.abs(array).max() > 0 for array in held)
    one.close()
    assert not any(array.any() for array in held)


def test_windows_are_zeroed_as_soon_as_they_were_heard():
    seen = []
    with session(encode=lambda window: (seen.append(window), encode(window))[1]) as one:
        one.push(bursts(1))
        assert len(seen) == 9
        assert not any(window.any() for window in seen)


def test_the_ring_holds_the_last_samples():
    ring = RingBuffer(5)
    written = np.arange(1, 24, dtype=np.float32)
    for piece in np.split(written, [3, 8, 8, 9, 13, 17, 18]):
        ring.write(piece)
        assert np.array_equal(ring.last(min(5, ring.count)), written[: ring.count][-5:])
    held = ring.last(5)
    ring.close()
    assert not ring.last(5).any()
    assert not held.any()  # the copy that was taken last goes with it


def test_drop_oldest_loses_the_windows_that_waited_longest():
    whole, _ = heard([bursts(3)])
    with session(backlog=3, when_full="drop_oldest") as one:
        one.feed(bursts(3))
        one.drain()
        counts = one.counts
        assert (counts.windows, counts.answered, counts.dropped, counts.merged) == (29, 3, 26, 0)
    with session(backlog=3) as one:  # whoever keeps up loses nothing
        events = []
        for piece in np.split(bursts(3), 30):
            one.feed(piece)
            events += one.drain()
        assert one.counts.dropped == 0
        assert events + one.flush() == whole


def test_merge_loses_resolution_and_no_time():
    loud = np.concatenate([np.full(1000, 0.1), np.full(200, 0.9), np.full(1800, 0.1)])
    with session(backlog=4, when_full="merge") as one:
        one.feed(loud.astype(np.float32))
        events = [*one.drain(), *one.flush()]
        counts = one.counts
        assert (counts.windows, counts.answered, counts.dropped) == (29, 4, 0)
        assert counts.merged == 25
    assert len(events) == 3
    assert all(e.start < 1.2 and e.end > 1.0 and e.score > 0.89 for e in events)


def test_merge_spreads_the_loss():
    backlog = Backlog(4, "merge")
    for number in range(16):
        backlog.put(number, number + 2, np.full(2, number, np.float32))
    spans = []
    while (one := backlog.take()) is not None:
        spans.append((one.start, one.stop, one.merged))
        assert one.window[0] == one.stop - 2  # the loudest
    assert (spans[0][0], spans[-1][1]) == (0, 17)
    assert all(a[1] - 1 == b[0] for a, b in pairwise(spans))
    assert max(merged for _, _, merged in spans) <= 7


def test_back_pressure_that_makes_no_sense():
    for options, message in (({"backlog": 0}, "backlog is 0"), ({"when_full": "wait"}, "'wait'")):
        with pytest.raises(ConfigError, match=message):
            session(**options)


def test_a_source_and_a_slow_model_in_two_threads():
    let, busy = threading.Semaphore(0), threading.Event()

    def slow(window):
        busy.set()
        let.acquire()
        return encode(window)

    with session(backlog=2, encode=slow) as one:
        events = []
        answering = threading.Thread(target=lambda: events.extend(one.drain()))
        one.feed(bursts(0.2))
        answering.start()
        busy.wait()
        one.feed(bursts(2, seed=1))  # is not held up
        assert one.counts.windows == 21
        for _ in range(9):
            let.release()
        answering.join()
        counts = one.counts
        assert counts.answered + counts.dropped == counts.windows
        assert counts.answered == 3


def test_an_error_of_the_model_leaves_no_sound():
    seen = []

    def broken(window):
        seen.append(window)
        raise BundleError("broken")

    with session(encode=broken) as one, pytest.raises(BundleError, match="broken"):
        one.push(bursts(1))
    assert not seen[0].any()
    assert isinstance(one, Session)
