import io

import numpy as np
import pytest
import soundfile

from tests.fakes import RATE, TONES, tone
from tests.streaming.small import bursts, session
from tinyalm.errors import AudioError, ConfigError
from tinyalm.streaming import Chunk, PcmStream, ReadAhead, listen


class Pipe:
    """Gives bytes a few at a time, as a pipe does."""

    def __init__(self, data, most=1000):
        self._data, self._most = io.BytesIO(data), most

    def read(self, size):
        return self._data.read(min(size, self._most))


def wav(samples, rate=RATE, subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype, format="WAV")
    return file.getvalue()


def given(stream):
    chunks = list(stream)
    return np.concatenate([chunk.samples for chunk in chunks]), {chunk.rate for chunk in chunks}


@pytest.mark.parametrize("most", [1, 3, 7, 1000, 1 << 20])
def test_raw_samples_of_every_read_size(most):
    samples = (np.arange(-150, 150) * 200).astype("<i2").reshape(-1, 2)
    stream = PcmStream(Pipe(samples.tobytes(), most), 8000, channels=2)
    found, rates = given(stream)
    assert np.array_equal(found, samples)
    assert (rates, stream.faults) == ({8000}, [])
    floats = tone(440, 0.01)
    found, _ = given(PcmStream(Pipe(floats.tobytes(), most), 8000, sample_format="f32le"))
    assert np.array_equal(found[:, 0], floats)


@pytest.mark.parametrize("most", [1, 1000])
def test_wav_headers_of_every_sort(most):
    samples = tone(440, 0.05)
    whole = np.rint(samples * 32767).astype(np.int16)
    plain = wav(whole)
    at = plain.index(b"data")
    unknown = [plain[: at + 4] + size + plain[at + 8 :] for size in (b"\xff" * 4, bytes(4))]
    chunky = plain[:at] + b"LIST\5\0\0\0abcde\0" + plain[at:]
    for data in (plain, *unknown, chunky, wav(whole, subtype="PCM_16")):
        stream = PcmStream(Pipe(data, most), RATE)
        found, rates = given(stream)
        assert np.array_equal(found[:, 0], whole)
        assert (rates, stream.faults) == ({RATE}, [])
    found, _ = given(PcmStream(Pipe(wav(samples, subtype="FLOAT"), most)))
    assert np.array_equal(found[:, 0], samples)


def test_a_second_file_may_have_another_rate(model):
    data = wav(tone(TONES[0], 3)) + wav(tone(TONES[0], 3, 48000), 48000)
    chunks = list(PcmStream(Pipe(data)))
    assert {chunk.rate for chunk in chunks} == {RATE, 48000}
    (event,) = model.listen(PcmStream(Pipe(data)))
    assert (event.label, event.start, event.end) == ("hum", 0, 6)


@pytest.mark.parametrize("extra", [1, 2, 3])
def test_a_stream_that_ends_within_a_sample(extra):
    samples = (np.arange(100) * 100).astype("<i2").reshape(-1, 2)
    stream = PcmStream(Pipe(samples.tobytes() + b"x" * extra), 8000, 2)
    assert np.array_equal(given(stream)[0], samples)
    assert stream.faults == [f"-: ended within a sample; its last {extra} bytes are left out"]


def test_a_wav_stream_that_ends_early():
    stream = PcmStream(Pipe(wav(tone(440, 1))[:-1001]))
    assert len(given(stream)[0]) == RATE - 501
    assert stream.faults == [
        "-: ended within a sample; its last 1 bytes are left out",
        "-: ended 1001 bytes before the end that its header states",
    ]


@pytest.mark.parametrize(
    ("data", "asked", "message"),
    [
        (b"", (RATE,), "nothing came"),
        (bytes(100), (), "do not state their rate; give it with --rate"),
        (wav(tone(440, 0.1)), (8000,), "says rate 16000, and --rate 8000"),
        (wav(tone(440, 0.1)), (RATE, 2), "says channels 1, and --channels 2"),
        (wav(tone(440, 0.1)), (RATE, 1, "f32le"), "says format s16le"),
        (wav(tone(440, 0.1), subtype="PCM_24"), (), "24-bit samples"),
        (wav(tone(440, 0.1))[:30], (), "damaged"),
        (b"RIFF" + bytes(100), (), "damaged"),
        (wav(tone(440, 0.1)).replace(b"fmt ", b"junk"), (), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pipes_that_cannot_be_used(data, asked, message):
    with pytest.raises(AudioError, match=message):
        list(PcmStream(Pipe(data), *asked))


def test_a_format_that_is_none():
    with pytest.raises(ConfigError, match="'u8' is neither s16le nor f32le"):
        PcmStream(Pipe(b""), 8000, 1, "u8")


def collect(events, found):
    """Put events into a list that is kept where they end with an error."""
    for event in events:
        found.append(event)


class Broken:
    """Two seconds of sound, then an error."""

    faults = ()

    def __init__(self, error):
        self._error = error

    def __iter__(self):
        for piece in np.split(bursts(2), 20):
            yield Chunk(piece, None)
        raise self._error


@pytest.mark.parametrize("error", [AudioError("gone"), KeyboardInterrupt()])
def test_what_was_heard_before_a_source_fails_is_answered(error):
    with session() as one:
        expected = [*one.push(bursts(2)), *one.flush()]
    events, found = listen(session(), Broken(error)), []
    with pytest.raises(type(error)):
        collect(events, found)
    assert found == expected


def test_reading_ahead_gives_the_same_events_and_errors():
    with session() as one:
        expected = [*one.push(bursts(2)), *one.flush()]
    ahead = session(backlog=1000)
    events, found = listen(ahead, ReadAhead(ahead, Broken(AudioError("gone")))), []
    with pytest.raises(AudioError, match="gone"):
        collect(events, found)
    assert found == expected


def test_leaving_the_events_closes_the_session():
    one = session()
    events = listen(one, [Chunk(bursts(2), None)])
    next(events)
    events.close()
    with pytest.raises(ConfigError, match="closed"):
        one.push(bursts(1))
