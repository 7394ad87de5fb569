"""The contestants of benchmarks/frontend.py: tinyalm's four executions, and all by name."""

import platform
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import front_end_peers as peers
import numpy as np
from front_end_peers import Absent, Contestant, Waveform
from numpy.typing import NDArray

from tinyalm.frontend import LogMelSpec, log_mel, program


def reference(spec: LogMelSpec) -> Contestant:
    """The float64 reference."""
    return Contestant(spec, partial(log_mel, spec=spec))


def native(spec: LogMelSpec, level: str | None = None) -> Contestant:
    """The native kernel, at one dispatch level or at the best."""
    from tinyalm_runtimes.native_log_mel import NativeLogMel, levels

    if level is not None and level not in levels():
        raise Absent(f"this processor or build has {', '.join(levels())}")
    return Contestant(spec, NativeLogMel(program(spec), level=level))


def torch_module(spec: LogMelSpec) -> Contestant:
    """The torch module that students are trained with."""
    import torch

    from tinyalm.models.log_mel import LogMel

    module = LogMel(spec)

    def run(waveform: Waveform) -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = module(torch.from_numpy(waveform)[None])
        return found

    return Contestant(spec, run, lambda found: found[0].numpy())


def graph(spec: LogMelSpec) -> Contestant:
    """The ONNX graph in ONNX Runtime, opened as devices open it."""
    import onnx

    from tinyalm_export.log_mel_graph import log_mel_graph
    from tinyalm_runtimes.onnxruntime_engine import OnnxRuntimeEngine

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log_mel.onnx"
        onnx.save(log_mel_graph(spec), path)
        opened = OnnxRuntimeEngine().open(path, threads=1)

    def run(waveform: Waveform) -> NDArray[np.float32]:
        return opened.run({"waveform": waveform[None]})["log_mel"]

    return Contestant(spec, run, lambda found: found[0])


ARM = platform.machine() in ("aarch64", "arm64")
LEVELS = ("portable", "neon") if ARM else ("portable", "avx2", "avx512")
BUILDERS: dict[str, Callable[[LogMelSpec], Contestant]] = {
    "native": native,
    **{f"native-{level}": partial(native, level=level) for level in LEVELS},
    "reference": reference,
    "torch": torch_module,
    "graph": graph,
    "torch.stft": peers.torch_stft,
    "torchaudio": peers.torchaudio,
    "librosa": peers.librosa,
    "kaldi-native-fbank": peers.kaldi_native_fbank,
    "transformers-clap": peers.transformers_clap,
    "transformers-whisper": peers.transformers_whisper,
    "onnxruntime-extensions": peers.onnxruntime_extensions,
}
