"""Training for int8 against the int8 graph itself: it rounds as finely, and what it rounds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tinyalm.audio import read
from tinyalm.engine import engine
from tinyalm.frontend import log_mel, preset
from tinyalm.models.audio import AudioEncoder, deterministic_init
from tinyalm.models.shapes import YAMNET, AudioStudentConfig
from tinyalm_distill.quantization_aware import rounded
from tinyalm_distill.teachers import open_teacher
from tinyalm_export.equalization import equalize
from tinyalm_export.graphs import encoder_graph
from tinyalm_export.quantize import quantize_encoder

SPEC = preset("yamnet")


@pytest.fixture(scope="module")
def log_mels(pulled_cache: Path) -> list[np.ndarray]:
    files = sorted((pulled_cache / "assets/demo-sounds/animals").glob("*.mp3"))
    sounds = [read(file, SPEC.sample_rate)[: 2 * 15600] for file in files]
    windows = [part for sound in sounds for part in np.array_split(sound, 2) if part.size == 15600]
    return [log_mel(window, SPEC).astype(np.float32) for window in windows]


def test_training_rounds_as_finely_as_the_graph(
    log_mels: list[np.ndarray], pulled_cache: Path, tmp_path: Path
) -> None:
    encoder = AudioEncoder(AudioStudentConfig(embedding_dim=64, body=YAMNET, hidden=32))
    deterministic_init(encoder, 0)
    inheritance = open_teacher("yamnet-minilm").body()
    assert inheritance is not None
    encoder.body = inheritance.body
    encoder.eval()
    path = tmp_path / "encoder.onnx"
    int8 = quantize_encoder(encoder_graph(equalize(encoder, log_mels), SPEC.n_mels), log_mels)
    path.write_bytes(int8.SerializeToString())
    graph = engine("onnxruntime").open(path, threads=1)
    batch = np.stack(log_mels)
    with torch.no_grad():
        exact = encoder(torch.from_numpy(batch)).numpy()
        trained = rounded(encoder, torch.from_numpy(batch))[1].numpy()
    exported = graph.run({"log_mel": batch})["embedding"]
    errors = [float(1 - (one * exact).sum(axis=1).mean()) for one in (trained, exported)]
    assert 0 < errors[0] < 0.05
    assert 1 / 3 < errors[0] / errors[1] < 3
