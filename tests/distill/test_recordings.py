import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio_files import bad_files
from tests.fakes import tone
from tinyalm.errors import DataError
from tinyalm_distill import recordings as recordings_module
from tinyalm_distill.manifest import Clip
from tinyalm_distill.recordings import Recordings, decode


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
    file, moved = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(file, tone(500, 0.5), 16000)
    fresh: list[int] = []

    def count(recordings: Recordings) -> None:
        fresh.append(recordings.samples(0))

    def keys(file: Path) -> list[bytes]:
        return decode([Clip(file=file)], 16000, tmp_path / "cache", fresh=count).keys

    first = keys(file)
    assert keys(file) == first
    assert fresh == [8000]
    file.rename(moved)
    assert keys(moved) == first
    assert shards(tmp_path / "cache" / "audio-16000") == 1
    soundfile.write(file, tone(600, 0.5), 16000)  # as long as before
    assert keys(file) != first
    assert shards(tmp_path / "cache" / "audio-16000") == 2


def shards(folder: Path) -> int:
    return len(list(folder.glob("*.safetensors")))


def test_further_clips_alone_are_decoded(tmp_path: Path) -> None:
    clips = []
    for number in range(6):
        soundfile.write(tmp_path / f"{number}.wav", tone(500 + number, 0.5), 16000)
        clips.append(Clip(file=tmp_path / f"{number}.wav"))
    decode(clips[:4], 16000, tmp_path / "cache")
    fresh: list[Path] = []

    def note(recordings: Recordings) -> None:
        fresh.extend(clip.file for clip in recordings.clips)

    recordings = decode(clips, 16000, tmp_path / "cache", fresh=note)
    assert sorted(fresh) == [clip.file for clip in clips[4:]]
    assert recordings.clips == clips
    for number in range(6):
        assert np.abs(recordings.waveform(number) - tone(500 + number, 0.5)).max() < 1e-4


def test_a_clip_that_changes_while_it_is_read_is_skipped_until_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.wav"
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", tone(500, 0.5), 16000)
    clips = [Clip(file=tmp_path / "a.wav"), Clip(file=tmp_path / "b.wav")]
    read = recordings_module.read

    def recorder(source: Path, *args: object, **options: object) -> np.ndarray:
        waveform = read(source, *args, **options)
        if source == file:  # somebody else is still writing it
            with file.open("ab") as growing:
                growing.write(b"more")
        return waveform

    monkeypatch.setattr(recordings_module, "read", recorder)
    recordings = decode(clips, 16000, tmp_path / "cache")
    assert [clip.file.name for clip in recordings.clips] == ["b.wav"]
    assert recordings.skipped == [
        (file, f"{file}: changed while it was read; run again when it is complete")
    ]
    monkeypatch.undo()
    assert len(decode(clips, 16000, tmp_path / "cache")) == 2


def test_audio_that_was_removed_from_the_cache_is_decoded_again(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(500, 0.5), 16000)
    clips = [Clip(file=tmp_path / "a.wav")]
    before = decode(clips, 16000, tmp_path / "cache").waveform(0).copy()
    shutil.rmtree(tmp_path / "cache" / "audio-16000")
    assert np.array_equal(decode(clips, 16000, tmp_path / "cache").waveform(0), before)


def test_what_an_interrupted_decoding_left_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(500, 0.5), 16000)
    clips = [Clip(file=file), Clip(file=file, end_s=0.25)]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode(clips, 16000, tmp_path / "cache", progress=interrupt)
    assert decode(clips, 16000, tmp_path / "cache").samples(1) == 4000
