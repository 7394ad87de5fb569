import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio_files import (
    RATE,
    TONE_HZ,
    bad_files,
    good_files,
    hiss,
    tone,
    uncounted,
    write,
)
from tinyalm import audio
from tinyalm.audio import reading
from tinyalm.errors import AudioError

PROBLEMS = {
    "missing": "no such file; check the path",
    "directory": "a directory; name the audio files in it",
    "empty": "empty (0 bytes); copy or record it again",
    "text_renamed": "not a format that libsndfile reads",
    "text_renamed_mp3": "not a format that libsndfile reads",
    "headerless": "ffmpeg -f s16le",
    "truncated": "truncated, it holds 115226 bytes of at least 192044",
    "truncated_aiff": "truncated, it holds",
    "truncated_flac": "truncated or damaged, it cannot be decoded to its end (flac decoder lost",
    "truncated_ogg": "truncated, it holds",
    "truncated_opus": "truncated, it holds",
    "truncated_mp3": "truncated, it holds",
    "zero_length": "holds 0 samples (0.00000 s); at least 10 ms are needed",
    "one_sample": "holds 1 sample (0.00006 s); at least 10 ms are needed",
    "too_short": "holds 80 samples (0.00500 s); at least 10 ms are needed",
    "all_nan": "holds NaN or infinite samples at 0.00 s",
    "some_nan": "holds NaN or infinite samples at 0.50 s",
    "infinite": "holds NaN or infinite samples at 0.00 s",
    "silent": "silent: peak -inf dBFS; check the microphone or the file",
    "almost_silent": "silent: peak -106 dBFS",
    "opposite_channels": "silent: the mean of its 2 channels has peak -inf dBFS",
}
# (subtype, dtype of the same samples in memory)
EXACT = [("PCM_16", np.int16), ("PCM_32", np.int32), ("FLOAT", np.float32), ("DOUBLE", np.float64)]


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    return bad_files(tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return good_files(tmp_path_factory.mktemp("good"))


def in_blocks_of(samples, *args, **kwargs):
    """What `audio.read` gives when it decodes that many samples at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK_SAMPLES", samples)
        return audio.read(*args, **kwargs)


def test_every_bad_file_has_its_message(bad):
    assert bad.keys() == PROBLEMS.keys()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_bad_file_is_refused_in_one_line_that_names_it_and_the_remedy(bad, problem, capfd):
    with pytest.raises(AudioError) as refusal:
        audio.read(bad[problem], RATE)
    message = str(refusal.value)
    assert PROBLEMS[problem] in message
    assert message.startswith(f"{bad[problem]}: ")
    assert ";" in message
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_every_good_file_gives_its_second_of_sound_and_no_word(good, capfd):
    for name, path in good.items():
        heard = audio.read(path, RATE)
        assert heard.dtype == np.float32, name
        assert heard.ndim == 1, name
        assert abs(heard.size - RATE) < 0.1 * RATE, name  # MP3 and GSM are padded to whole frames
        part = heard[RATE // 4 : RATE // 2] * np.hanning(RATE // 4)
        assert np.argmax(np.abs(np.fft.rfft(part))) == TONE_HZ / 4, name
        assert 0.1 < np.abs(part).max() < 0.6, name
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("subtype", "dtype"), EXACT)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_file_and_an_array_of_its_samples_give_the_same(tmp_path, subtype, dtype, channels):
    path = write(tmp_path / "noise.wav", hiss(0.3, 44100, channels), 44100, subtype)
    samples, _ = soundfile.read(path, dtype=dtype, always_2d=True)
    for rate in (44100, RATE):
        from_file = audio.read(path, rate)
        assert np.array_equal(from_file, audio.read(samples, rate, source_rate=44100))
        transposed = np.asfortranarray(samples)
        assert np.array_equal(from_file, audio.read(transposed, rate, source_rate=44100))


def test_samples_in_memory_are_scaled_by_their_full_range():
    for dtype, full in ((np.int16, 2**15), (np.int32, 2**31)):
        samples = np.full(RATE, -full, dtype)
        samples[1] = full // 2
        heard = audio.read(samples, RATE, source_rate=RATE)
        assert heard[0] == -1
        assert heard[1] == 0.5
    assert np.array_equal(audio.read(tone() * 3, RATE, source_rate=RATE), tone() * 3)


def test_what_is_returned_is_never_the_caller_s_array():
    samples = tone()
    for block in audio.blocks(samples, RATE, source_rate=RATE):
        block[:] = 0
    assert samples.any()


@given(st.integers(1, 32), st.integers(160, 400), st.randoms(use_true_random=False))
def test_channels_are_averaged(channels, count, random):
    samples = np.random.default_rng(random.getrandbits(32)).uniform(-1, 1, (count, channels))
    heard = audio.read(samples, RATE, source_rate=RATE)
    assert np.allclose(heard, samples.mean(axis=1), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000]),
    st.sampled_from([16000, 32000, 44100, 48000]),
    st.floats(0.01, 0.4),
    st.integers(50, 5000),
)
def test_blocks_change_nothing_and_streaming_is_resampling_at_once(rate, wanted, seconds, size):
    samples = hiss(seconds + 0.001, rate)[:, 0]
    whole = audio.read(samples, wanted, source_rate=rate)
    assert np.array_equal(in_blocks_of(size, samples, wanted, source_rate=rate), whole)
    assert np.allclose(whole, soxr.resample(samples, rate, wanted, "HQ"), atol=1e-6)
    assert whole.size == int(samples.size * wanted / rate + 0.5)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_part_is_what_the_whole_holds_there(good, data):
    name = data.draw(st.sampled_from(["stereo", "adpcm", "flac", "ogg", "opus", "mp3", "gsm"]))
    rate = soundfile.info(good[name]).samplerate
    whole = audio.read(good[name], rate)
    start_s = data.draw(st.floats(0, 0.9))
    end_s = data.draw(st.none() | st.floats(start_s + 0.02, 1.0))
    part = audio.read(good[name], rate, start_s=start_s, end_s=end_s)
    stop = None if end_s is None else round(end_s * rate)
    assert np.array_equal(part, whole[round(start_s * rate) : stop])
    small = in_blocks_of(3000, good[name], rate, start_s=start_s, end_s=end_s)
    assert np.array_equal(small, part)


def test_a_rounded_duration_is_the_end():
    samples = tone(1.2345)
    assert audio.read(samples, RATE, source_rate=RATE, end_s=1.24).size == samples.size


@pytest.mark.parametrize("name", ["mono", "mp3_without_count"])
@pytest.mark.parametrize(("start_s", "end_s"), [(5.0, None), (0.0, 1.5), (0.5, 99.0), (7.0, 9.0)])
def test_a_part_outside_the_recording_is_refused_with_its_length(good, name, start_s, end_s):
    with pytest.raises(AudioError, match=r"outside the recording, which lasts 1\.\d\d s"):
        audio.read(good[name], RATE, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1.0, None), (1.0, 1.0), (2.0, 1.0), (np.nan, None), (0.0, np.inf)]
)
def test_times_that_are_no_part_are_refused(start_s, end_s):
    with pytest.raises(AudioError, match="0 <= start_s < end_s must hold"):
        audio.read(tone(), RATE, source_rate=RATE, start_s=start_s, end_s=end_s)


def test_a_part_may_be_silent_where_the_whole_may_not():
    samples = np.concatenate([np.zeros(RATE, np.float32), tone()])
    part = audio.read(samples, RATE, source_rate=RATE, end_s=1.0)
    assert not part.any()
    with pytest.raises(AudioError, match="silent"):
        audio.read(part, RATE, source_rate=RATE)


def test_blocks_come_before_the_error_at_the_end(bad):
    blocks = audio.blocks(bad["silent"], RATE)
    assert next(blocks).size == RATE
    with pytest.raises(AudioError, match="silent"):
        next(blocks)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros((2, 1000), np.float32), r"1000 channels.* pass array\.T"),
        (np.zeros((2, 2, 2), np.float32), r"shape \(2, 2, 2\); pass \(samples,\) or"),
        (np.array(1.0), r"shape \(\)"),
        (np.zeros((100, 0), np.float32), r"shape \(100, 0\)"),
        (np.zeros(1000, np.uint8), "holds uint8 samples; pass floats"),
        (np.zeros(1000, np.int64), "holds int64 samples"),
        (np.zeros(1000, np.complex64), "holds complex64 samples"),
        (np.full(1000, 1e300), "NaN or infinite"),
        (np.zeros(0), "holds 0 samples"),
    ],
)
def test_arrays_that_are_no_recording_are_refused(samples, problem):
    with pytest.raises(AudioError, match=f"^<array>: .*{problem}"):
        audio.read(samples, RATE, source_rate=RATE)


def test_an_array_needs_its_rate_and_a_file_has_its_own(good):
    for rate in (None, 0, -5):
        with pytest.raises(AudioError, match="pass source_rate in Hz"):
            audio.read(tone(), RATE, source_rate=rate)
    with pytest.raises(AudioError, match="leave out source_rate"):
        audio.read(good["mono"], RATE, source_rate=RATE)
    with pytest.raises(AudioError, match="sample_rate is 0"):
        audio.read(good["mono"], 0)


def test_a_rate_that_no_sound_has_is_refused(tmp_path):
    with pytest.raises(AudioError, match="2 Hz is no rate of sound"):
        audio.read(tone(), RATE, source_rate=2)
    with pytest.raises(AudioError, match="1 Hz is no rate of sound"):
        audio.read(write(tmp_path / "slow.wav", tone(), 1), RATE)


@pytest.mark.parametrize("name", ["mono", "flac", "ogg", "mp3", "mp3_without_count"])
def test_a_stream_gives_what_its_file_gives_and_stays_open(good, name):
    stream = io.BytesIO(good[name].read_bytes())
    stream.seek(7)
    assert np.array_equal(audio.read(stream, RATE), audio.read(good[name], RATE))
    assert not stream.closed
    with good[name].open("rb") as file:
        assert np.array_equal(audio.read(file, RATE), audio.read(good[name], RATE))


def test_streams_that_cannot_be_read_are_refused():
    reader, writer = os.pipe()
    os.close(writer)
    with (
        os.fdopen(reader, "rb") as pipe,
        pytest.raises(AudioError, match="not a seekable binary stream"),
    ):
        audio.read(pipe, RATE)
    with pytest.raises(AudioError, match="opened as text; open it with mode 'rb'"):
        audio.read(io.StringIO("words"), RATE)
    for rate in (None, RATE):
        with pytest.raises(AudioError, match="a list is no recording; pass a path"):
            audio.read([0.0, 1.0], RATE, source_rate=rate)
    with pytest.raises(AudioError, match=r"^<stream>: empty"):
        audio.read(io.BytesIO(), RATE)


def test_a_disk_that_fails_is_reported_and_not_taken_for_the_end(good, capfd):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 20000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    for name in ("mono", "flac"):
        with pytest.raises(AudioError, match=r"reading failed .*check the disk"):
            audio.read(Failing(good[name].read_bytes()), RATE)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_may_not_be_read_says_so(good, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"may not be read; allow it, e\.g\. chmod \+r"):
        audio.read(good["mono"], RATE)


def test_pipes_and_impossible_names_are_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo.wav")
    with pytest.raises(AudioError, match="a device or pipe"):
        audio.read(tmp_path / "fifo.wav", RATE)
    for name in ("a\0b.wav", "x" * 5000):
        with pytest.raises(AudioError, match="cannot be opened"):
            audio.read(name, RATE)


@pytest.mark.parametrize("kind", ["wav", "aiff"])
@settings(max_examples=40)
@given(keep=st.integers(100, 32000))
def test_a_file_cut_anywhere_is_truncated(kind, keep):
    whole = io.BytesIO()
    soundfile.write(whole, tone(), RATE, "PCM_16", format=kind.upper())
    data = whole.getvalue()
    assert audio.read(io.BytesIO(data), RATE).size == RATE
    if len(data) - keep > 64:
        with pytest.raises(AudioError, match="truncated"):
            audio.read(io.BytesIO(data[:keep]), RATE)


def test_an_mp3_file_that_nothing_counts_is_decoded_to_its_end(tmp_path):
    # The first frame's bitrate tells nothing of the others, and libsndfile would go by it.
    quiet, loud = tone(1.0, 48000) * 1e-3, hiss(6.0, 48000)[:, 0]
    path = tmp_path / "varying.mp3"
    soundfile.write(
        path, np.concatenate([loud, quiet, quiet]), 48000, bitrate_mode="VARIABLE", format="MP3"
    )
    data = uncounted(path.read_bytes())
    counted = audio.read(path, 48000)
    heard = audio.read(io.BytesIO(data), 48000)
    assert abs(heard.size - counted.size) < 3 * 1152
    # Behind it a part of a frame, as in a recording that was stopped, hides nothing before it.
    assert np.array_equal(audio.read(io.BytesIO(data + data[:100]), 48000), heard)


def test_names_are_printable_paths():
    assert audio.name("a/b.wav") == "a/b.wav"
    assert audio.name(Path("Vögel.wav")) == "Vögel.wav"
    assert audio.name("two\nlines\udcff.wav") == "two\\nlines\\udcff.wav"
    assert audio.name("") == "''"
    assert audio.name(np.zeros(1)) == "<array>"
    assert audio.name(io.BytesIO()) == "<stream>"


def test_threads_do_not_disturb_each_other(good):
    names = ["stereo", "flac", "ogg", "mp3", "mp3_without_count", "opus"] * 2
    alone = {name: audio.read(good[name], RATE) for name in set(names)}
    heard = {}

    def work(number, name):
        heard[number] = audio.read(good[name], RATE)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(heard[i], alone[name]) for i, name in enumerate(names))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_two_hours_need_no_more_memory_than_ten_seconds(tmp_path):
    path = tmp_path / "night.wav"
    minute = np.tile(tone(1.0, 8000), 60)
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(120):
            file.write(minute)
    script = f"""
from pathlib import Path
from tinyalm import audio

def peak_mb():
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l)
    return int(line.split()[1]) / 1024

blocks = audio.blocks({str(path)!r}, {RATE})
samples = next(blocks).size
before = peak_mb()
samples += sum(block.size for block in blocks)
assert samples == 7200 * {RATE}, samples
print(peak_mb() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 20


def test_importing_is_cheap():
    script = "import sys, tinyalm.audio; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "scipy", "onnxruntime", "transformers", "librosa"}
