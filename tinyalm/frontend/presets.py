"""The published front ends by name, each with the source of its settings."""

from msgspec.structs import replace

from tinyalm.errors import ConfigError
from tinyalm.frontend.spec import LogMelSpec

# HTSAT-tiny.json and hook.py of LAION-CLAP; feature_extraction_clap.py of transformers with the
# published preprocessor_config.json (whose frequency_min is 50, unlike the class's own 0).
_HTSAT = LogMelSpec(
    sample_rate=48000,
    n_fft=1024,
    win_length=1024,
    hop_length=480,
    center=True,
    f_min=50.0,
    f_max=14000.0,
    log="db",
    log_floor=1e-10,
)

# pytorch/models.py of PANNs (torchlibrosa): librosa's bands, no top_db.
_PANN = LogMelSpec(
    sample_rate=32000,
    n_fft=1024,
    win_length=1024,
    hop_length=320,
    center=True,
    f_min=50.0,
    f_max=14000.0,
    mel_scale="slaney",
    mel_norm="slaney",
    log="db",
    log_floor=1e-10,
)

# whisper/audio.py: 8 in log10 below the loudest value, then (x + 4) / 4. The model hears 30 s;
# padding to them comes before the front end.
_WHISPER = LogMelSpec(
    sample_rate=16000,
    n_fft=400,
    win_length=400,
    hop_length=160,
    center=True,
    drop_last=True,
    n_mels=80,
    f_max=8000.0,
    mel_scale="slaney",
    mel_norm="slaney",
    log="log10",
    log_floor=1e-10,
    top_db=80.0,
    mean=-4.0,
    std=4.0,
)

PRESETS: dict[str, LogMelSpec] = {
    # yamnet/params.py and features.py of tensorflow/models: magnitude, bands without DC.
    "yamnet": LogMelSpec(
        sample_rate=16000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        power=1,
        f_min=125.0,
        f_max=7500.0,
        mel_shape="mel",
        log_offset=0.001,
    ),
    # tinyalm's own: no padding, so that it streams; mean and std of the logarithm over 4 hours of
    # mixed recordings put the student's input near zero mean and unit variance.
    "edge-16k": LogMelSpec(
        sample_rate=16000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        f_min=60.0,
        f_max=7800.0,
        log_offset=1e-5,
        mean=-4.0,
        std=4.0,
    ),
    # The model for single crops was trained on torchlibrosa's bands, the one that fuses several
    # crops on torchaudio's.
    "clap-htsat-unfused": replace(_HTSAT, mel_scale="slaney", mel_norm="slaney"),
    "clap-htsat-fused": _HTSAT,
    # models/audio.py of msclap 2022 (Cnn14); its n_fft of 1028 is in the settings and not used.
    "msclap-2022": replace(_PANN, sample_rate=44100),
    # models/htsat.py of msclap 2023 reads models/config.py and not its arguments: bands for 32 kHz
    # over sound at 44.1 kHz. `with_mel_filters` takes those of a checkpoint instead.
    "msclap-2023": replace(_PANN, sample_rate=44100, mel_sample_rate=32000),
    "panns-32k": _PANN,
    "panns-16k": replace(
        _PANN, sample_rate=16000, n_fft=512, win_length=512, hop_length=160, f_max=8000.0
    ),
    # models/preprocess.py of EfficientAT (AugmentMelSTFT in evaluation): Kaldi's banks, and an
    # upper edge of sample_rate / 2 - 1000 Hz where none is set.
    "efficientat": LogMelSpec(
        sample_rate=32000,
        n_fft=1024,
        win_length=800,
        hop_length=320,
        window="hann-symmetric",
        preemphasis=0.97,
        center=True,
        n_mels=128,
        f_max=15000.0,
        mel_shape="mel",
        log_offset=1e-5,
        mean=-4.5,
        std=5.0,
    ),
    # models/audiotransformer.py of CED: torchaudio's MelSpectrogram and AmplitudeToDB(top_db=120).
    "ced": LogMelSpec(
        sample_rate=16000,
        n_fft=512,
        win_length=512,
        hop_length=160,
        center=True,
        f_max=8000.0,
        log="db",
        log_floor=1e-10,
        top_db=120.0,
    ),
    "whisper-80": _WHISPER,
    "whisper-128": replace(_WHISPER, n_mels=128),
}


def preset(name: str) -> LogMelSpec:
    """The published front end ``name``.

    Raises:
        ConfigError: no such preset; the message lists them.
    """
    if name not in PRESETS:
        raise ConfigError(f"no front end named {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
