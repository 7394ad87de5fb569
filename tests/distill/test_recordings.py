from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio_files import bad_files
from tests.fakes import tone
from tinyalm.errors import DataError
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recordings import decode


def test_clips_are_decoded_resampled_and_cut(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(500, 1, 48000)] * 2, axis=1), 48000)
    clips = [
        Clip(file=tmp_path / "a.wav"),
        Clip(file=tmp_path / "a.wav", start_s=0.25, end_s=0.5),
    ]
    recordings = decode(clips, 16000, tmp_path / "cache")
    assert [recordings.samples(i) for i in range(2)] == [16000, 4000]
    assert np.abs(recordings.waveform(1) - tone(500, 1)[4000:8000])[100:-100].max() < 1e-3


def test_bad_clips_are_listed_with_their_reasons_and_skipped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", tone(500, 0.5), 16000)
    bad = bad_files(tmp_path)
    clips = [Clip(file=path) for path in bad.values()] + [Clip(file=tmp_path / "good.wav")]
    recordings = decode(clips, 16000, tmp_path / "cache")
    assert [clip.file.name for clip in recordings.clips] == ["good.wav"]
    assert [file for file, _ in recordings.skipped] == list(bad.values())
    assert all(str(file) in reason for file, reason in recordings.skipped)
    again = decode(clips, 16000, tmp_path / "cache")
    assert again.skipped == recordings.skipped


def test_only_bad_clips_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 1 clips can be used"):
        decode([Clip(file=tmp_path / "none.wav")], 16000, tmp_path / "cache")


def test_decoding_happens_once_and_again_when_a_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(500, 0.5), 16000)
    calls: list[int] = []

    def count(done: int, total: int) -> None:
        calls.append(done)

    for expected, seconds in ((1, 0.5), (1, 0.5), (2, 0.75)):
        if seconds != 0.5:
            soundfile.write(file, tone(500, seconds), 16000)
        recordings = decode([Clip(file=file)], 16000, tmp_path / "cache", progress=count)
        assert len(calls) == expected
        assert recordings.samples(0) == round(seconds * 16000)


def test_what_an_interrupted_decoding_left_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(500, 0.5), 16000)
    clips = [Clip(file=file), Clip(file=file, end_s=0.25)]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode(clips, 16000, tmp_path / "cache", progress=interrupt)
    assert decode(clips, 16000, tmp_path / "cache").samples(1) == 4000
