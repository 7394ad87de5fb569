"""Streams of the native kernel: together the bits of the whole, in bounded memory."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front_ends import signal, signals, specs
from tests.runtimes.native_levels import LEVELS, kernels, needs_kernel, same_bits
from tinyalm.frontend import PRESETS, program
from tinyalm_runtimes.native_log_mel import NativeLogMel

pytestmark = needs_kernel
STREAMABLE = [name for name, spec in PRESETS.items() if spec.top_db is None]


def streamed(kernel, waveform, sizes, *, at_once):
    """The log-mel of ``waveform`` in pushes of ``sizes``, the last of which repeats."""
    stream = kernel.stream(at_once=at_once)
    rows, done, sizes = [], 0, iter(sizes)
    size = next(sizes)
    while done < len(waveform):
        rows.append(stream.push(waveform[done : done + size]))
        done += size
        size = next(sizes, size)
    return np.concatenate([*rows, stream.flush()])


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("size", [1, 7, 160, 1024, None])
@pytest.mark.parametrize("name", STREAMABLE)
def test_a_stream_equals_the_whole_bit_for_bit(name, size, at_once):
    spec = PRESETS[name]
    waveform = signal("noise", 11 * spec.hop_length + spec.n_fft + 77)
    for kernel in kernels(spec):
        found = streamed(kernel, waveform, [size or len(waveform)], at_once=at_once)
        assert same_bits(found, kernel(waveform))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_stream_equals_the_whole_bit_for_bit(data):
    spec = data.draw(specs(streamable=True))
    waveform = data.draw(signals(spec))
    sizes = data.draw(st.lists(st.integers(0, 2 * spec.n_fft), max_size=30))
    last = data.draw(st.integers(min(len(waveform), 16), len(waveform)))
    at_once = data.draw(st.booleans())
    for kernel in kernels(spec):
        found = streamed(kernel, waveform, [*sizes, last], at_once=at_once)
        assert same_bits(found, kernel(waveform))


def test_at_once_answers_with_every_frame_that_is_complete():
    spec = PRESETS["edge-16k"]
    for kernel in kernels(spec):
        stream = kernel.stream(at_once=True)
        assert len(stream.push(np.zeros(spec.win_length - 1, np.float32))) == 0
        assert len(stream.push(np.zeros(1, np.float32))) == 1
        for _ in range(20):
            assert len(stream.push(np.zeros(spec.hop_length, np.float32))) == 1
        assert len(stream.flush()) == 0


def test_by_default_at_most_seven_frames_wait():
    spec = PRESETS["edge-16k"]
    for kernel in kernels(spec):
        stream = kernel.stream()
        heard = written = 0
        for _ in range(99):
            written += len(stream.push(np.zeros(77, np.float32)))
            heard += 77
            assert 0 <= spec.frames(heard) - written <= 7
        assert written + len(stream.flush()) == spec.frames(heard)


def test_a_flushed_stream_begins_another():
    spec = PRESETS["efficientat"]
    for kernel in kernels(spec):
        stream = kernel.stream()
        for kind in ("noise", "chirp", "noise"):
            waveform = signal(kind, 9999)
            found = np.concatenate([stream.push(waveform), stream.flush()])
            assert same_bits(found, kernel(waveform))
        assert stream.flush().shape == (0, spec.n_mels)


def test_a_stream_takes_floats_and_integers_in_turn():
    waveform = (signal("noise", 8000) * 32768).astype(np.int16)
    halves = waveform[:3333], waveform[3333:].astype(np.float32) / 32768
    for kernel in kernels(PRESETS["efficientat"]):
        stream = kernel.stream()
        rows = [*map(stream.push, halves), stream.flush()]
        assert same_bits(np.concatenate(rows), kernel(waveform))


@pytest.mark.parametrize("level", LEVELS)
def test_calls_and_streams_of_several_threads_do_not_meet(level):
    kernel = NativeLogMel(program(PRESETS["panns-32k"]), level=level)
    waves = [signal("noise", 3000 + 997 * i, seed=i) for i in range(40)]
    alone = [kernel(wave) for wave in waves]
    with ThreadPoolExecutor(8) as pool:
        calls = pool.map(kernel, waves)
        streams = pool.map(lambda w: streamed(kernel, w, [1500], at_once=False), waves)
        for found in (list(calls), list(streams)):
            assert all(map(same_bits, found, alone))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", ["edge-16k", "whisper-80"])
def test_memory_does_not_grow_over_5000_calls(name):
    spec = PRESETS[name]
    kernel = NativeLogMel(program(spec))
    waveform = signal("noise", spec.sample_rate)
    random = np.random.default_rng(0)
    lengths = random.integers(1, len(waveform), 50)
    stream = kernel.stream() if name in STREAMABLE else None

    def call(times):
        for length in random.choice(lengths, times):
            kernel(waveform[:length])
            if stream:
                stream.push(waveform[:length])
                kernel.stream().push(waveform[:length])

    call(500)
    before = resident()
    call(5000)
    assert resident() - before < 5e6


def resident():
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
