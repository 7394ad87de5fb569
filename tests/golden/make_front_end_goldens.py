"""Makes the golden log-mels, *.npz beside this file, with the code of those who published them.

    python3.11 -m venv build/golden
    build/golden/bin/pip install hypothesis msgspec torch==2.13.0 transformers==5.23.0 \
        librosa==0.11.0 torchlibrosa==0.1.0 kaldi-native-fbank==1.23.0
    build/golden/bin/pip install --no-deps torchaudio==2.11.0
    rm build/golden/lib/python3.11/site-packages/torchaudio/lib/*.so
    PYTHONPATH=. build/golden/bin/python tests/golden/make_front_end_goldens.py

Run with these versions, numpy 2.4.6 and Python 3.11; every file says what made it. torchaudio's
wheels are built for CUDA and do not load beside a CPU build of torch, but torchaudio does without
its library where there is none, and its mels need none. TensorFlow, which YAMNet runs on, is not
among these: transformers' general spectrogram stands in for it.

Peers compute in float32. A band 100 dB below its neighbours is rounding noise there, so there is
noise under the sounds.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import kaldi_native_fbank as knf
import librosa
import numpy as np
import torch
import torchaudio
import torchlibrosa
from transformers import ClapFeatureExtractor, WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from tests.golden.front_end_cases import SPECS, Case

Peer = Callable[[Case], np.ndarray]
Filters = np.ndarray  # (n_fft // 2 + 1, n_mels)
HERE = Path(__file__).parent
CLAP = {"clap-htsat-unfused": "rand_trunc", "clap-htsat-fused": "fusion"}
# What the models' own sources pass, written out once more and not taken from the presets.
TORCHLIBROSA = {  # n_fft, hop, rate of the bands, their upper edge
    "panns-32k": (1024, 320, 32000, 14000),
    "panns-16k": (512, 160, 16000, 8000),
    "msclap-2022": (1024, 320, 44100, 14000),
    "msclap-2023": (1024, 320, 32000, 14000),  # over sound at 44.1 kHz
    "clap-htsat-unfused": (1024, 480, 48000, 14000),
}
TORCHAUDIO = {  # rate, n_fft, hop, lower and upper edge, top_db
    "ced": (16000, 512, 160, 0, 8000, 120.0),
    "clap-htsat-fused": (48000, 1024, 480, 50, 14000, None),
}


def sounds(name: str, *, shortest: int = 1) -> Iterator[Case]:
    """What every front end hears; ``shortest`` is of a peer that reflects once at most."""
    rate, hop = SPECS[name].sample_rate, SPECS[name].hop_length
    yield Case(name, "noise", rate // 5)
    yield Case(name, "chirp+noise", rate // 7 | 1)
    yield Case(name, "clipped+noise", rate // 10 + hop - 1)
    yield Case(name, "impulse+noise", rate // 10 + hop)
    yield Case(name, "constant+noise", rate // 10 + 1)
    yield Case(name, "fading", rate // 5)
    yield Case(name, "silence", rate // 10)
    for size in (shortest, shortest + 1, shortest + hop, max(shortest, 300)):
        yield Case(name, "noise", size)


def transformers_clap(case: Case) -> np.ndarray:
    """frequency_min is that of the published models' settings, and not the class's own 0."""
    extractor = ClapFeatureExtractor(frequency_min=50, truncation=CLAP[case.front_end])
    window = case.size * case.copies + case.zeros
    heard = extractor(case.recorded(), max_length=window, sampling_rate=48000)
    return heard["input_features"][0][0]


def transformers_whisper(case: Case) -> np.ndarray:
    extractor = WhisperFeatureExtractor(feature_size=int(case.front_end.removeprefix("whisper-")))
    window = case.size + case.zeros
    heard = extractor(case.recorded(), max_length=window, sampling_rate=16000)
    return heard["input_features"][0].T


def transformers_spectrogram(case: Case) -> np.ndarray:
    """YAMNet's settings and tinyalm's own, which no peer publishes."""
    yamnet = case.front_end == "yamnet"
    filters = mel_filter_bank(
        num_frequency_bins=257,
        num_mel_filters=64,
        min_frequency=125.0 if yamnet else 60.0,
        max_frequency=7500.0 if yamnet else 7800.0,
        sampling_rate=16000,
        mel_scale="htk",
        triangularize_in_mel_space=yamnet,
    )
    mel = spectrogram(
        case.recorded(),
        window_function(400, "hann"),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=1.0 if yamnet else 2.0,
        center=False,
        mel_filters=filters,
        mel_floor=0.0,
    ).T
    return np.log(mel + 0.001) if yamnet else (np.log(mel + 1e-5) + 4) / 4


def log_mel_bank(front_end: str) -> torchlibrosa.LogmelFilterBank:
    n_fft, _, rate, f_max = TORCHLIBROSA[front_end]
    return torchlibrosa.LogmelFilterBank(
        sr=rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=f_max, ref=1.0, amin=1e-10, top_db=None
    )


def torchlibrosa_log_mel(case: Case) -> np.ndarray:
    n_fft, hop, _, _ = TORCHLIBROSA[case.front_end]
    power = torchlibrosa.Spectrogram(n_fft=n_fft, hop_length=hop, win_length=n_fft)
    heard = power(torch.from_numpy(case.recorded())[None])
    return log_mel_bank(case.front_end)(heard)[0, 0].numpy()


def librosa_log_mel(case: Case) -> np.ndarray:
    n_fft, hop, rate, f_max = TORCHLIBROSA[case.front_end]
    mel = librosa.feature.melspectrogram(
        y=case.recorded(),
        sr=rate,
        n_fft=n_fft,
        hop_length=hop,
        pad_mode="reflect",
        n_mels=64,
        fmin=50,
        fmax=f_max,
    )
    return librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None).T


def torchaudio_log_mel(case: Case) -> np.ndarray:
    rate, n_fft, hop, f_min, f_max, top_db = TORCHAUDIO[case.front_end]
    mel = torchaudio.transforms.MelSpectrogram(
        rate, n_fft, hop_length=hop, f_min=f_min, f_max=f_max, n_mels=64
    )
    decibels = torchaudio.transforms.AmplitudeToDB(stype="power", top_db=top_db)
    return decibels(mel(torch.from_numpy(case.recorded())[None]))[0].T.numpy()


def kaldi_banks() -> torch.Tensor:
    """(128, 512), without the bin at half the rate; 15000 Hz is where EfficientAT's bands end."""
    banks, _ = torchaudio.compliance.kaldi.get_mel_banks(
        128, 1024, 32000, 0.0, 15000.0, vtln_low=100.0, vtln_high=-500.0, vtln_warp_factor=1.0
    )
    return banks


def torchaudio_efficientat(case: Case) -> np.ndarray:
    """The steps of EfficientAT's AugmentMelSTFT in evaluation."""
    waveform = torch.from_numpy(case.recorded())
    emphasised = torch.nn.functional.conv1d(waveform[None], torch.tensor([[[-0.97, 1.0]]]))
    window = torch.hann_window(800, periodic=False)
    spectrum = torch.stft(emphasised, 1024, 320, 800, window, return_complex=True)[0]
    power = spectrum.real.square() + spectrum.imag.square()
    mel = kaldi_banks() @ power[:-1]
    return (((mel + 1e-5).log() + 4.5) / 5).T.numpy()


def kaldi_fbank(case: Case) -> np.ndarray:
    spec = case.spec
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = spec.sample_rate
    options.frame_opts.frame_length_ms = 1000 * spec.win_length / spec.sample_rate
    options.frame_opts.dither = 0.0
    options.frame_opts.preemph_coeff = 0.0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hanning" if spec.window == "hann-symmetric" else "hann"
    options.mel_opts.num_bins = spec.n_mels
    options.mel_opts.low_freq = spec.f_min
    options.mel_opts.high_freq = spec.f_max
    options.use_power = spec.power == 2
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(spec.sample_rate, case.recorded().tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(frame) for frame in range(fbank.num_frames_ready)])


def write(peer: str, log_mel: Peer, cases: list[Case], *packages: str, **banks: Filters) -> None:
    """One file: log-mels (frames, n_mels) float32 by case, filter banks, and what made them."""
    made = {str(case): np.asarray(log_mel(case), np.float32) for case in cases}
    versions = [f"{package} {version(package)}" for package in (*packages, "numpy")]
    np.savez_compressed(HERE / f"{peer}.npz", made_with=np.array(versions), **banks, **made)


def all_sounds(names: Iterable[str], *, shortest: int = 1) -> list[Case]:
    return [case for name in names for case in sounds(name, shortest=shortest)]


def main() -> None:
    """Make all of them."""
    repeated = [Case(name, "chirp+noise", 4900, copies=2, zeros=200) for name in CLAP]
    clap = all_sounds(CLAP) + repeated
    write("transformers-clap", transformers_clap, clap, "transformers")
    padded = Case("whisper-80", "clipped+noise", 3201, zeros=480000 - 3201)
    whisper = [*all_sounds(("whisper-80", "whisper-128"), shortest=201), padded]
    write("transformers-whisper", transformers_whisper, whisper, "transformers", "torch")
    uncentred = all_sounds(("yamnet", "edge-16k"), shortest=400)
    write("transformers-spectrogram", transformers_spectrogram, uncentred, "transformers")
    banks = {name: log_mel_bank(name).melW.numpy() for name in TORCHLIBROSA}
    panns = all_sounds(TORCHLIBROSA, shortest=513)
    write("torchlibrosa", torchlibrosa_log_mel, panns, "torchlibrosa", "librosa", "torch", **banks)
    panns = all_sounds(("panns-32k", "panns-16k", "msclap-2022"))
    write("librosa", librosa_log_mel, panns, "librosa")
    mels = all_sounds(TORCHAUDIO, shortest=513)
    write("torchaudio", torchaudio_log_mel, mels, "torchaudio", "torch")
    banks = {"efficientat": np.pad(kaldi_banks().T.numpy(), ((0, 1), (0, 0)))}
    emphasised = all_sounds(banks, shortest=514)
    used = "torchaudio", "torch"
    write("torchaudio-efficientat", torchaudio_efficientat, emphasised, *used, **banks)
    kaldi = all_sounds((name for name in SPECS if name.startswith("kaldi")), shortest=512)
    write("kaldi-native-fbank", kaldi_fbank, kaldi, "kaldi-native-fbank")


if __name__ == "__main__":
    main()
