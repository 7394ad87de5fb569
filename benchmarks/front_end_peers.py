"""What a contestant of benchmarks/frontend.py is, and those that others have made.

Each is built once for a `LogMelSpec`, as its users would build it, and says which front end it
really executes, because some have no setting for some of it. Libraries are imported where they are
used, so that any of them may be missing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec, mel_filters, window
from tinyalm.telemetry import import_onnxruntime

Waveform = NDArray[np.float32]


class Absent(Exception):  # noqa: N818 - no failure
    """Why a contestant does not take part."""


class Contestant(NamedTuple):
    """A log-mel ready to be timed.

    Attributes:
        spec: the front end that it executes.
        run: waveform (samples,) to whatever it gives.
        read: that as (frames, n_mels); not timed.
    """

    spec: LogMelSpec
    run: Callable[[Waveform], Any]
    read: Callable[[Any], NDArray[Any]] = np.asarray


def torch_stft(spec: LogMelSpec) -> Contestant:
    """The operations that torchaudio's MelSpectrogram consists of."""
    import torch

    torch.set_num_threads(1)
    weights = torch.tensor(window(spec), dtype=torch.float32)
    filters = torch.tensor(mel_filters(spec).T, dtype=torch.float32)

    def run(waveform: Waveform) -> torch.Tensor:
        with torch.inference_mode():
            spectrum = torch.stft(
                torch.from_numpy(waveform),
                spec.n_fft,
                spec.hop_length,
                spec.win_length,
                weights,
                center=spec.center,
                return_complex=True,
            )
            return compressed(filters @ spectrum.abs().pow(2.0), spec, torch)

    return Contestant(spec, run, lambda found: found.T.numpy())


def torchaudio(spec: LogMelSpec) -> Contestant:
    """MelSpectrogram, then AmplitudeToDB for decibels and torch's logarithm for others."""
    import torch
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(
        spec.sample_rate,
        spec.n_fft,
        spec.win_length,
        spec.hop_length,
        f_min=spec.f_min,
        f_max=spec.f_max,
        n_mels=spec.n_mels,
        center=spec.center,
        norm=None if spec.mel_norm == "none" else spec.mel_norm,
        mel_scale=spec.mel_scale,
    )
    decibels = AmplitudeToDB("power", spec.top_db)

    def run(waveform: Waveform) -> torch.Tensor:
        with torch.inference_mode():
            energies = mel(torch.from_numpy(waveform))
            return decibels(energies) if spec.log == "db" else compressed(energies, spec, torch)

    return Contestant(spec, run, lambda found: found.T.numpy())


def librosa(spec: LogMelSpec) -> Contestant:
    """melspectrogram, which makes its filter bank anew in every call, and numpy's logarithm."""
    from librosa.feature import melspectrogram

    def run(waveform: Waveform) -> NDArray[np.float32]:
        mel = melspectrogram(
            y=waveform,
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            hop_length=spec.hop_length,
            win_length=spec.win_length,
            center=spec.center,
            pad_mode=spec.pad_mode,
            n_mels=spec.n_mels,
            fmin=spec.f_min,
            fmax=spec.f_max,
            htk=spec.mel_scale == "htk",
            norm=None if spec.mel_norm == "none" else spec.mel_norm,
        )
        return compressed(mel, spec, np)

    return Contestant(spec, run, np.transpose)


def kaldi_native_fbank(spec: LogMelSpec) -> Contestant:
    """OnlineFbank with the whole clip pushed at once."""
    import kaldi_native_fbank as knf

    if spec.n_fft & (spec.n_fft - 1):
        raise Absent(f"its FFT takes powers of two and not {spec.n_fft} samples")
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = spec.sample_rate
    options.frame_opts.frame_length_ms = 1000 * spec.win_length / spec.sample_rate
    options.frame_opts.frame_shift_ms = 1000 * spec.hop_length / spec.sample_rate
    options.frame_opts.dither = 0.0
    options.frame_opts.preemph_coeff = 0.0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hann"
    options.mel_opts.num_bins = spec.n_mels
    options.mel_opts.low_freq = spec.f_min
    options.mel_opts.high_freq = spec.f_max
    options.mel_opts.is_librosa = spec.mel_scale == "slaney"
    executed = replace(
        spec,
        center=False,
        mel_shape="hz" if spec.mel_scale == "slaney" else "mel",
        log="natural",
        log_floor=float(np.finfo(np.float32).eps),
    )

    def run(waveform: Waveform) -> NDArray[np.float32]:
        fbank = knf.OnlineFbank(options)
        # Its binding takes any sequence and converts it number by number, a list soonest.
        fbank.accept_waveform(spec.sample_rate, waveform.tolist())
        fbank.input_finished()
        return np.stack([fbank.get_frame(frame) for frame in range(fbank.num_frames_ready)])

    return Contestant(executed, run)


def transformers_clap(spec: LogMelSpec) -> Contestant:
    """ClapFeatureExtractor over a clip as long as its window, which adds nothing to it."""
    from transformers import ClapFeatureExtractor

    if spec.top_db is not None:
        raise Absent("it has no top_db")
    extractor = ClapFeatureExtractor(
        feature_size=spec.n_mels,
        sampling_rate=spec.sample_rate,
        hop_length=spec.hop_length,
        fft_window_size=spec.n_fft,
        frequency_min=spec.f_min,
        frequency_max=spec.f_max,
        truncation="rand_trunc",
    )
    executed = replace(spec, center=True, mel_scale="slaney", mel_norm="slaney", log="db")

    def run(waveform: Waveform) -> Any:  # noqa: ANN401 - transformers' BatchFeature
        return extractor(waveform, max_length=waveform.size, sampling_rate=spec.sample_rate)

    return Contestant(executed, run, lambda found: found["input_features"][0][0])


def transformers_whisper(spec: LogMelSpec) -> Contestant:
    """WhisperFeatureExtractor over a clip as long as its window."""
    from transformers import WhisperFeatureExtractor

    if spec.f_min != 0 or spec.f_max != 8000:
        raise Absent(f"its bands reach from 0 to 8000 Hz and not {spec.f_min:g} to {spec.f_max:g}")
    extractor = WhisperFeatureExtractor(
        feature_size=spec.n_mels,
        sampling_rate=spec.sample_rate,
        hop_length=spec.hop_length,
        n_fft=spec.n_fft,
    )
    executed = replace(
        spec,
        center=True,
        drop_last=True,
        mel_scale="slaney",
        mel_norm="slaney",
        log="log10",
        log_floor=1e-10,
        top_db=80.0,
        mean=-4.0,
        std=4.0,
    )

    def run(waveform: Waveform) -> Any:  # noqa: ANN401 - transformers' BatchFeature
        return extractor(waveform, max_length=waveform.size, sampling_rate=spec.sample_rate)

    return Contestant(executed, run, lambda found: found["input_features"][0].T)


def onnxruntime_extensions(spec: LogMelSpec) -> Contestant:
    """Its operator StftNorm, which centres frames and pads with zeros, and ONNX's own after it."""
    import onnx
    from onnx import numpy_helper
    from onnx.parser import parse_model
    from onnxruntime_extensions import get_library_path

    onnxruntime = import_onnxruntime()
    model = parse_model(
        f"""<ir_version: 9, opset_import: ["": 18, "ai.onnx.contrib": 1]>
        log_mel (float[1, samples] waveform) => (float[1, {spec.n_mels}, frames] log_mel) {{
            power = ai.onnx.contrib.StftNorm(waveform, n_fft, hop, window, n_fft)
            mel = MatMul(filters, power)
            level = Max(mel, floor)
            log_mel = Log(level)
        }}"""
    )
    constants = {
        "n_fft": np.array(spec.n_fft),
        "hop": np.array(spec.hop_length),
        "window": window(spec).astype(np.float32),
        "filters": mel_filters(spec).T.astype(np.float32),
        "floor": np.array(spec.log_floor, np.float32),
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.register_custom_ops_library(get_library_path())
    session = onnxruntime.InferenceSession(
        onnx.ModelProto.SerializeToString(model), options, providers=["CPUExecutionProvider"]
    )
    executed = replace(spec, center=True, pad_mode="constant", drop_last=False, log="natural")
    executed = replace(executed, top_db=None, mean=0.0, std=1.0)

    def run(waveform: Waveform) -> NDArray[np.float32]:
        return session.run(None, {"waveform": waveform[None]})[0]

    return Contestant(executed, run, lambda found: found[0].T)


def compressed(mel: Any, spec: LogMelSpec, library: Any) -> Any:  # noqa: ANN401 - torch or numpy
    """Mel energies (n_mels, frames) to log-mel, by the functions that ``library`` has."""
    mel = mel[:, :-1] if spec.drop_last else mel
    level = library.clip(mel, spec.log_floor, None)
    if spec.log == "natural":
        return library.log(level)
    log = library.log10(level) * (10 if spec.log == "db" else 1)
    if spec.top_db is not None:
        log = library.maximum(log, log.max() - spec.top_db / (1 if spec.log == "db" else 10))
    return (log - spec.mean) / spec.std if spec.std != 1 else log
