"""The numbers of the native kernel, at every level that this machine has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.front_ends import EXACT, KINDS, signal, signals, smooth, specs
from tests.runtimes.native_levels import LEVELS, kernels, needs_kernel, same_bits, worst_error
from tinyalm.frontend import PRESETS, LogMelSpec, program, with_mel_filters
from tinyalm_runtimes.native_log_mel import NativeLogMel

pytestmark = needs_kernel


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PRESETS)
def test_every_level_equals_the_reference_in_every_preset(name, kind):
    spec = PRESETS[name]
    half = spec.n_fft // 2
    odd, whole_hops = 9 * spec.n_fft + 1, 20 * spec.hop_length
    for size in (1, 2, half, half + 1, spec.win_length - 1, spec.n_fft, odd, whole_hops):
        assert worst_error(signal(kind, size), spec) <= EXACT


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("edge-16k", "noise"),
        ("clap-htsat-unfused", "chirp"),
        ("efficientat", "clipped"),
        ("whisper-128", "impulse"),
    ],
)
def test_every_level_equals_the_reference_over_a_minute(name, kind):
    spec = PRESETS[name]
    assert worst_error(signal(kind, 61 * spec.sample_rate, hz=0.3), spec) <= EXACT


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_every_level_equals_the_reference(data):
    spec = data.draw(specs())
    assert worst_error(data.draw(signals(spec)), spec) <= EXACT


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("center", [False, True])
def test_every_bin_of_every_size_equals_the_reference(power, center):
    for n_fft in smooth(600):
        bins = n_fft // 2 + 1
        spec = LogMelSpec(
            sample_rate=16000,
            n_fft=n_fft,
            win_length=max(1, n_fft - n_fft // 5),
            hop_length=max(1, n_fft // 3),
            center=center,
            power=power,
            n_mels=bins,
            f_max=8000.0,
            log_offset=1e-10,
        )
        spec = with_mel_filters(spec, np.eye(bins))
        assert worst_error(signal("noise", 3 * n_fft + 5), spec) <= EXACT, n_fft


@pytest.mark.parametrize("n_fft", [65536, 60000, 3**10, 5**6])
def test_the_largest_transforms_equal_the_reference(n_fft):
    spec = LogMelSpec(
        sample_rate=48000,
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=n_fft // 4,
        n_mels=64,
        f_max=24000.0,
        log_offset=1e-10,
    )
    assert worst_error(signal("noise", 3 * n_fft), spec) <= EXACT


@pytest.mark.parametrize("name", PRESETS)
def test_integers_equal_floats_bit_for_bit(name):
    spec = PRESETS[name]
    integers = (signal("noise", 7 * spec.n_fft) * 32768).astype(np.int16)
    integers[:4] = [-32768, 32767, -1, 1]
    floats = integers.astype(np.float32) / 32768
    for kernel in kernels(spec):
        assert same_bits(kernel(integers), kernel(floats))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_frame_has_the_same_bits_whatever_is_around_it(data):
    spec = replace(data.draw(specs(streamable=True)), center=False, drop_last=False)
    needed = spec.frame_length + (spec.preemphasis != 0)
    waveform = signal("noise", needed + data.draw(st.integers(0, 40)) * spec.hop_length)
    for kernel in kernels(spec):
        whole = kernel(waveform)
        for frame in range(len(whole)):
            start = frame * spec.hop_length
            assert same_bits(kernel(waveform[start : start + needed]), whole[frame : frame + 1])


def test_samples_with_gaps_and_backwards_are_read_in_their_order():
    samples = signal("noise", 9000)
    for kernel in kernels(PRESETS["edge-16k"]):
        assert same_bits(kernel(samples[::-3]), kernel(samples[::-3].copy()))


@pytest.mark.parametrize("dtype", [">f4", ">i2"])
def test_samples_of_the_other_byte_order_are_read_as_the_same_numbers(dtype):
    samples = (signal("noise", 9000) * 32768).astype(np.int16)
    if dtype == ">f4":
        samples = (samples / 32768).astype(np.float32)
    for kernel in kernels(PRESETS["edge-16k"]):
        assert same_bits(kernel(samples.astype(dtype)), kernel(samples))


def test_samples_at_any_address_are_read():
    samples = signal("noise", 9000)
    buffer = np.zeros(samples.nbytes + 1, np.uint8)
    buffer[1:] = samples.view(np.uint8)
    shifted = buffer[1:].view(np.float32)
    assert not shifted.flags.aligned
    for kernel in kernels(PRESETS["edge-16k"]):
        assert same_bits(kernel(shifted), kernel(samples))


def test_samples_are_not_written_to():
    samples = signal("noise", 9000)
    samples.setflags(write=False)
    before = samples.copy()
    for kernel in kernels(PRESETS["efficientat"]):
        kernel(samples)
    assert same_bits(samples, before)


def test_the_best_level_is_the_last_and_the_default():
    assert NativeLogMel(program(PRESETS["yamnet"])).level == LEVELS[-1]
    assert [kernel.level for kernel in kernels(PRESETS["yamnet"])] == list(LEVELS)
