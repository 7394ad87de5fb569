"""Every family of audio students goes through the whole export, whose own parity checks hold."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

import tinyalm
from tests.export.students import META, random_student, save_checkpoint, sounds
from tests.models.test_bodies import BODIES
from tinyalm.models.shapes import AudioStudentConfig, BodyConfig
from tinyalm_export.exporter import export_bundle


@pytest.mark.parametrize("body", BODIES)
def test_every_body_is_exported_in_fp32_and_int8(body: BodyConfig, tmp_path: Path) -> None:
    shape = AudioStudentConfig(embedding_dim=16, body=body, hidden=12)
    meta = msgspec.structs.replace(META, audio=shape)
    checkpoint = save_checkpoint(tmp_path / "checkpoint", random_student(meta))
    rows = {}
    for precision in ("fp32", "int8"):
        bundle = tmp_path / f"{precision}.tinyalm"
        export_bundle(checkpoint, bundle, precision=precision)
        model = tinyalm.load(bundle)
        rows[precision] = np.stack([model.embed_audio(x, 16000) for x in sounds()])
    assert (rows["fp32"] * rows["int8"]).sum(axis=1).min() > 0.9
