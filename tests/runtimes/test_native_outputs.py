"""What the native kernel writes: 8-bit integers, and numbers that are none."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.front_ends import signal, signals, specs
from tests.runtimes.native_levels import LEVELS, kernels, needs_kernel, same_bits
from tinyalm.frontend import PRESETS, mel_bands, program
from tinyalm.telemetry import import_onnxruntime
from tinyalm_runtimes.native_log_mel import NativeLogMel, Quantization

pytestmark = needs_kernel
LOWEST = {"int8": -128, "uint8": 0}


@cache
def session(dtype):
    """ONNX Runtime's QuantizeLinear of x with one scale and zero point."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero_point"], ["y"])],
        "quantize",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["frames", "n_mels"]),
            helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
            helper.make_tensor_value_info("zero_point", kind, []),
        ],
        [helper.make_tensor_value_info("y", kind, ["frames", "n_mels"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return import_onnxruntime().InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def quantized(values, output):
    feeds = {
        "x": values,
        "scale": np.float32(output.scale),
        "zero_point": np.dtype(output.dtype).type(output.zero_point),
    }
    (found,) = session(output.dtype).run(None, {k: np.asarray(v) for k, v in feeds.items()})
    return found


@pytest.mark.parametrize("dtype", LOWEST)
@pytest.mark.parametrize("name", ["yamnet", "efficientat", "clap-htsat-unfused", "whisper-80"])
def test_integers_are_those_of_quantize_linear(name, dtype):
    waveform = signal("noise", 20001)
    waveform[9000:] = 0  # which top_db cuts off
    (floats, *_) = [kernel(waveform) for kernel in kernels(PRESETS[name])]
    width = float(np.ptp(floats))
    for scale in (width / 255, width / 100, width / 2000, 0.5, 1e-6, 1e6):
        for zero_point in (LOWEST[dtype], LOWEST[dtype] + 99, LOWEST[dtype] + 255):
            output = Quantization(dtype, scale, zero_point)
            for level, kernel in zip(LEVELS, kernels(PRESETS[name]), strict=True):
                found = NativeLogMel(program(PRESETS[name]), level=level, output=output)(waveform)
                assert same_bits(found, quantized(kernel(waveform), output))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_integers_are_those_of_quantize_linear(data):
    spec = data.draw(specs())
    waveform = data.draw(signals(spec))
    dtype = data.draw(st.sampled_from(list(LOWEST)))
    output = Quantization(
        dtype,
        data.draw(st.floats(2**-14, 64, width=32)),
        data.draw(st.integers(LOWEST[dtype], LOWEST[dtype] + 255)),
    )
    for level, kernel in zip(LEVELS, kernels(spec), strict=True):
        found = NativeLogMel(program(spec), level=level, output=output)(waveform)
        assert same_bits(found, quantized(kernel(waveform), output))


def test_halves_are_rounded_to_even():
    spec = PRESETS["edge-16k"]
    silence = np.zeros(spec.win_length, np.float32)
    for level, kernel in zip(LEVELS, kernels(spec), strict=True):
        value = kernel(silence)[0, 0]
        halves = -np.arange(0.5, 32, dtype=np.float32)  # the value of silence is below 0
        exact = halves[value / (value / halves) == halves]
        assert len(exact) > 4
        for half, scale in zip(exact, value / exact, strict=True):
            output = Quantization("int8", float(scale), 0)
            found = NativeLogMel(program(spec), level=level, output=output)(silence)
            assert np.unique(found).tolist() == [round(float(half))]


def test_streams_write_integers_too():
    output = Quantization("uint8", 0.05, 128)
    waveform = signal("chirp", 12345)
    for level in LEVELS:
        kernel = NativeLogMel(program(PRESETS["efficientat"]), level=level, output=output)
        stream = kernel.stream()
        rows = [stream.push(waveform[i : i + 321]) for i in range(0, 12345, 321)]
        assert same_bits(np.concatenate([*rows, stream.flush()]), kernel(waveform))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [n for n, spec in PRESETS.items() if spec.top_db is None])
def test_what_is_no_number_stays_in_its_frames_and_stays_none(name, value):
    spec = PRESETS[name]
    clean = signal("noise", 30 * spec.hop_length + spec.n_fft)
    broken = clean.copy()
    at = len(clean) // 2 + 3
    broken[at] = value
    # Samples that the windows of the frames reach over; pre-emphasis reads the one before.
    first = np.arange(spec.frames(len(clean))) * spec.hop_length - spec.padding + spec.window_start
    heard = (first <= at) & (at < first + spec.win_length + (spec.preemphasis != 0))
    hears = np.array([bool(band.weights) for band in mel_bands(spec)])
    assert 0 < heard.sum() < len(heard) - 8
    for kernel in kernels(spec):
        found = kernel(broken)
        assert not np.isfinite(found[heard][:, hears]).any()
        assert same_bits(found[~heard], kernel(clean)[~heard])


@pytest.mark.parametrize("name", [n for n, spec in PRESETS.items() if spec.top_db is not None])
def test_what_is_no_number_does_not_become_the_loudest(name):
    spec = PRESETS[name]
    clean = signal("noise", 30 * spec.hop_length)
    broken = clean.copy()
    broken[len(clean) // 2] = np.nan
    for kernel in kernels(spec):
        found, expected = kernel(broken), kernel(clean)
        lost = np.isnan(found).any(axis=1)
        assert 0 < lost.sum() <= -(-spec.n_fft // spec.hop_length)
        assert np.isnan(found[lost]).all()
        # The loudest value that is left may be another one, and so may the least one be.
        assert (found[~lost] >= np.nanmax(found) - 8 / spec.std * 10).all()
        louder = found[~lost] > found[~lost].min()
        assert same_bits(found[~lost][louder], expected[~lost][louder])
