"""A tiny real student with random weights, as a checkpoint."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tinyalm.bundle import Calibration, DataSource, Provenance
from tinyalm.frontend import preset
from tinyalm.models.audio import deterministic_init
from tinyalm.models.checkpoint import Student, StudentMeta, save_student
from tinyalm.models.shapes import AudioStudentConfig, MobileConfig
from tinyalm.models.text import StaticTextConfig
from tinyalm.windows import WindowRule

RATE = 16000
WORDS = ("dog", "rain", "siren", "birds", "engine", "of", "a", "barking", "heavy", "far")
META = StudentMeta(
    name="tiny",
    frontend=preset("edge-16k"),
    windows=WindowRule(length_s=0.96, hop_s=0.48, grid_s=0.24, min_s=0.48),
    audio=AudioStudentConfig(embedding_dim=16, body=MobileConfig(width=0.25, features=32)),
    text=StaticTextConfig(embedding_dim=16, vocabulary=12, rank=8, max_tokens=6),
    labels=["dog barking", "rain"],
    template="sound of {}",
    calibration=Calibration(scale=9.0, bias=-3.0, pairs=20),
    provenance=Provenance(
        teacher="nobody",
        teacher_licence="CC0-1.0",
        data=[
            DataSource(name="noise", clips=12, licence="CC0-1.0 | public domain"),
            DataSource(name="words.txt", clips=0, licence="MIT"),
        ],
        metrics={"mean_cosine": 0.5},
        created_by="tests",
    ),
)


def random_student(meta: StudentMeta = META) -> Student:
    """The student of ``meta``, in evaluation mode, whose BatchNorm does something."""
    student = Student(meta)
    deterministic_init(student, seed=1)
    generator = torch.Generator().manual_seed(2)
    for layer in student.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values, low, high in (
                (layer.weight.data, 0.5, 1.5),
                (layer.bias.data, -0.5, 0.5),
                (layer.running_mean, -0.2, 0.2),
                (layer.running_var, 0.1, 0.4),
            ):
                values.uniform_(low, high, generator=generator)
    return student.eval()


def tokenizer() -> str:
    """A tokenizer of `WORDS`, as JSON."""
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    made = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return made.to_str()


def sounds() -> list[np.ndarray]:
    """Twelve windows of coloured noise and tones at different levels, two of them short."""
    rng = np.random.default_rng(3)
    made = []
    for index in range(12):
        samples = 7680 if index % 6 == 5 else 15360
        noise = np.convolve(rng.normal(size=samples), np.ones(1 + index), "same")
        tone = np.sin(2 * np.pi * 200 * (1 + index) * np.arange(samples) / RATE)
        made.append((0.02 * (1 + index) * (noise + tone)).clip(-1, 1).astype(np.float32))
    return made


def save_checkpoint(folder: Path, student: Student | None = None, **parts: object) -> Path:
    """Write the checkpoint; ``parts`` replace meta, weights, tokenizer or calibration."""
    student = student or random_student()
    given = {
        "meta": student.meta,
        "weights": student.state_dict(),
        "tokenizer": tokenizer(),
        "calibration": sounds(),
    }
    save_student(folder, **(given | parts))
    return folder
