import csv
import io
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile

from tests.distill.gather.debs import RATE, deb, encoded, mirror, soundfont, sweep
from tests.process import one_line, tinyalm
from tinyalm_distill.manifest import read_clips

COLUMNS = ["file", "duration_s", "source", "licence", "split"]


@pytest.fixture
def debian(tmp_path):
    with mirror(tmp_path / "mirror") as served:
        yield served


@pytest.fixture
def out(tmp_path):
    return tmp_path / "sounds"


def gather(debian, out, *options):
    return tinyalm("distill", "gather", debian.listing, "--out", out, "--jobs", 2, *options)


def rows(out):
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def seconds(out):
    """Sorted lengths of the clips, from the files themselves."""
    return sorted(round(soundfile.info(out / row["file"]).duration, 1) for row in rows(out))


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def manifest(folder, *clips):
    """A manifest of (file, samples, source, split) beside new files."""
    folder.mkdir()
    table = [["file", "source", "split"]]
    for name, samples, source, split in clips:
        soundfile.write(folder / name, samples, RATE)
        table.append([name, source, split])
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(table)
    return folder / "manifest.csv"


def test_clips_of_every_sort_of_file_are_gathered(debian, out):
    stereo = np.stack([sweep(1, 1.5, 44100), sweep(2, 1.5, 44100)], axis=1)
    debian.add(
        "sounds-data",
        deb(
            {
                "./usr/share/sounds/stereo.wav": encoded(stereo, rate=44100),
                "./usr/share/sounds/low.ogg": encoded(sweep(3, 0.8), "OGG"),
                "./usr/share/sounds/high.flac": encoded(sweep(4, 2.2, 48000), "FLAC", 48000),
                "./usr/share/more.pk3": zipped({"sound/inside.wav": encoded(sweep(5, 3.0))}),
                "./usr/share/doc/readme.txt": b"no sound",
            }
        ),
    )
    debian.add("plain-data", deb({"a.wav": encoded(sweep(6, 0.6))}, compression="gz"))
    done = gather(debian, out)
    assert done.returncode == 0, done.stderr
    assert list(rows(out)[0]) == COLUMNS
    assert seconds(out) == [0.6, 0.8, 1.5, 2.2, 3.0]
    for row in rows(out):
        info = soundfile.info(out / row["file"])
        assert (info.format, info.subtype, info.channels) == ("FLAC", "PCM_16", 1)
        assert info.samplerate <= 32000
        assert float(row["duration_s"]) == pytest.approx(info.duration, abs=0.01)
        assert row["file"].startswith(f"{row['source']}__")
        assert (row["licence"], row["split"]) == ("CC0-1.0, and others", "train")
    assert len(read_clips(str(out / "manifest.csv"), "train")) == 5
    assert len(list(out.glob("*.flac"))) == 5


def test_samples_of_soundfonts_are_recordings(debian, out):
    notes = {"Bassoon A2": sweep(1, 0.7), "Gunshot": sweep(2, 1.2)}
    halves = notes | {"Gunshot R": sweep(3, 1.1)}
    damaged = soundfont(notes)[:-40]
    debian.add(
        "font-data",
        deb({"gm.sf2": soundfont(halves, kinds={"Gunshot R": 0x2}), "bad.sf2": damaged}),
        "instruments",
    )
    vorbis = {"Snare": sweep(4, 0.9), "Clap": sweep(5, 1.6)}
    debian.add("small-data", deb({"gm.sf3": soundfont(vorbis, compressed=True)}), "instruments")
    done = gather(debian, out)
    assert done.returncode == 0
    assert seconds(out) == [0.7, 0.9, 1.2, 1.6]
    assert "damaged 0" in done.stdout


def test_samples_are_those_of_the_recording(debian, out):
    wave = sweep(1)
    debian.add("sounds-data", deb({"a.wav": encoded(wave, subtype="PCM_16")}))
    gather(debian, out)
    (row,) = rows(out)
    heard, rate = soundfile.read(out / row["file"], dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(heard, wave[: len(heard)], atol=1e-4)


def test_silence_is_trimmed_and_what_is_nothing_else_is_dropped(debian, out):
    silence = np.zeros(RATE, np.float32)
    debian.add(
        "sounds-data",
        deb(
            {
                "padded.wav": encoded(np.concatenate([silence, sweep(1), silence])),
                "faint.wav": encoded(sweep(2) * 1e-3),
                "short.wav": encoded(sweep(3)[: RATE // 5]),
            }
        ),
    )
    done = gather(debian, out)
    assert seconds(out) == [1.0]
    assert "silent or short recordings: 2" in done.stdout


def test_long_recordings_give_excerpts_and_music_fewer(debian, out):
    def recording(first):
        return np.concatenate([sweep(first + i, 2.0) for i in range(27)])

    debian.add("effects-data", deb({"river.wav": encoded(recording(0))}))
    debian.add("music-data", deb({"river.wav": encoded(recording(100))}), "music")
    debian.add("within-data", deb({"./music/song.wav": encoded(recording(200))}))
    debian.add("speech-data", deb({"river.wav": encoded(recording(300))}), "speech")
    done = gather(debian, out)
    assert done.returncode == 0
    sources = [row["source"] for row in rows(out)]
    counts = {name: sources.count(name) for name in dict.fromkeys(sources)}
    assert counts == {"effects-data": 5, "music-data": 3, "within-data": 3, "speech-data": 1}
    assert max(seconds(out)) <= 10.0
    assert "music: 6 clips" in done.stdout


def test_packages_that_cannot_be_had_are_one_line_each_and_the_rest_goes_on(debian, out):
    good = deb({"a.wav": encoded(sweep(1))})
    debian.add("good-data", good)
    debian.add("forged-data", good, sha256="0" * 64)
    debian.add("gone-data", good)
    (debian.folder / "pool/gone-data_1_all.deb").unlink()
    debian.add("broken-data", good[: len(good) // 2])
    debian.add("other-data", b"<html>no package</html>")
    debian.add("zst-data", deb({}).replace(b"data.tar.xz ", b"data.tar.zst"))
    done = gather(debian, out)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("tinyalm: ")]
    assert {line.split()[1].rstrip(":") for line in told} == {
        "forged-data",
        "gone-data",
        "broken-data",
        "other-data",
        "zst-data",
    }
    assert len(told) == 5
    assert [row["source"] for row in rows(out)] == ["good-data"]


def test_what_has_left_a_mirror_is_had_from_the_next(debian, out):
    debian.mirrors = [f"{debian.address}/nothing-here", debian.address]
    debian.add("sounds-data", deb({"a.wav": encoded(sweep(1))}))
    assert gather(debian, out).returncode == 0
    assert len(rows(out)) == 1


def test_clips_are_left_out_by_their_sound_in_any_package(debian, out, tmp_path):
    known = manifest(tmp_path / "known", ("x.ogg", sweep(1), "elsewhere", "train"))
    quieter = np.concatenate([np.zeros(3000, np.float32), 0.3 * sweep(1)])
    same = encoded(quieter, "OGG")
    debian.add("sounds-data", deb({"same.ogg": same, "other.ogg": encoded(sweep(2, 1.2), "OGG")}))
    done = gather(debian, out, "--leave-out", known)
    assert seconds(out) == [1.2]
    assert "left out 1" in done.stdout


def test_clips_of_other_splits_are_left_out_by_name_in_their_package(debian, out, tmp_path):
    known = manifest(
        tmp_path / "known",
        ("sounds-data__barn_cow_2.wav", sweep(1), "sounds-data", "dev"),
        ("sounds-data__barn_hen_2.wav", sweep(2), "sounds-data", "train"),
    )
    files = {
        "barn/cow-7.wav": encoded(sweep(3, 0.7)),
        "barn/hen-7.wav": encoded(sweep(4, 0.9)),
        "barn/scow.wav": encoded(sweep(5, 1.1)),
    }
    debian.add("sounds-data", deb(files))
    debian.add("others-data", deb({"barn/cow-7.wav": encoded(sweep(6, 1.3))}))
    gather(debian, out, "--leave-out", known)
    assert seconds(out) == [0.9, 1.1, 1.3]


def test_of_reserved_packages_nothing_is_taken_nor_what_equals_it(debian, out):
    debian.add(
        "a-game", deb({"copy.ogg": encoded(sweep(1), "OGG"), "b.wav": encoded(sweep(2, 2.0))})
    )
    debian.add(
        "theme", deb({"bell.wav": encoded(sweep(1)), "c.wav": encoded(sweep(3))}), "reserved"
    )
    gather(debian, out)
    assert [(r["source"], r["duration_s"]) for r in rows(out)] == [("a-game", "2.0")]


def test_nothing_is_gathered_without_a_reserved_package(debian, out):
    debian.add("a-game", deb({"a.wav": encoded(sweep(1))}))
    debian.add("theme", deb({}), "reserved", sha256="0" * 64)
    done = gather(debian, out)
    assert done.returncode == 2
    assert "theme" in done.stderr
    assert not (out / "manifest.csv").exists()


def test_a_clip_to_be_left_out_must_be_readable(debian, out, tmp_path):
    known = manifest(tmp_path / "known", ("x.wav", sweep(1), "elsewhere", "dev"))
    (tmp_path / "known/x.wav").write_bytes(b"RIFF")
    debian.add("sounds-data", deb({"a.wav": encoded(sweep(2))}))
    done = gather(debian, out, "--leave-out", known)
    assert done.returncode == 2
    assert "x.wav" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (out / "manifest.csv").exists()


def test_the_same_recording_of_two_packages_is_taken_once(debian, out):
    debian.add("a-data", deb({"a.wav": encoded(sweep(1)), "copy.wav": encoded(sweep(1))}))
    debian.add("b-data", deb({"b.ogg": encoded(sweep(1), "OGG"), "c.wav": encoded(sweep(2, 2.0))}))
    done = gather(debian, out)
    assert sorted((r["source"], r["duration_s"]) for r in rows(out)) == [
        ("a-data", "1.0"),
        ("b-data", "2.0"),
    ]
    assert "clips like others: 1" in done.stdout
    assert len(list(out.glob("*.flac"))) == 2


def test_names_in_a_package_lead_nowhere(debian, out, tmp_path):
    link = tarfile.TarInfo("link.wav")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    debian.add(
        "hostile-data",
        deb(
            {
                "../../../escaped.wav": encoded(sweep(1, 0.5)),
                str(tmp_path / "absolute.wav"): encoded(sweep(2, 0.6)),
                "link.wav": link,
                "a.zip": zipped({"../../zipped.wav": encoded(sweep(3, 0.7))}),
                "b.zip": b"PK\3\4 no archive",
            }
        ),
    )
    before = {path for path in tmp_path.rglob("*") if out not in path.parents}
    assert gather(debian, out).returncode == 0
    assert {path for path in tmp_path.rglob("*") if out not in path.parents} - {out} == before
    assert seconds(out) == [0.5, 0.6, 0.7]
    assert {path.suffix for path in out.iterdir()} == {".flac", ".csv", ""}


def test_a_package_that_unpacks_to_too_much_is_refused(debian, out):
    bomb = tarfile.TarInfo("a.wav")
    bomb.size = 1 << 40
    debian.add("bomb-data", deb({"a.wav": bomb}))
    done = gather(debian, out)
    assert done.returncode == 2
    assert "bomb-data: unpacks to more than" in done.stderr


def test_damaged_recordings_are_skipped_and_counted(debian, out):
    whole = encoded(sweep(1, 2.0))
    debian.add(
        "sounds-data",
        deb(
            {"cut.wav": whole[: len(whole) // 2], "text.wav": b"words", "a.wav": encoded(sweep(2))}
        ),
    )
    done = gather(debian, out)
    assert done.returncode == 0
    assert seconds(out) == [1.0]
    assert "damaged 2" in done.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[", "not a list of packages"),
        (b'{"mirrors": ["http://x"], "packages": []}', "names no mirror or no package"),
        (b'{"mirrors": ["file:///etc"], "packages": []}', "no http or https address"),
        (b'{"mirrors": ["http://x"], "packages": [], "a": 1}', "unknown field"),
    ],
)
def test_a_bad_list_is_one_line(out, tmp_path, content, told):
    listing = tmp_path / "list.json"
    listing.write_bytes(content)
    done = tinyalm("distill", "gather", listing, "--out", out)
    assert done.returncode == 2
    assert told in one_line(done.stderr)
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"path": "../secret"}, "leads out of the mirror"),
        ({"sha256": "12"}, "is not 64 hex digits"),
        ({"name": "../up"}, "is no name of a package"),
        ({"kind": "noise"}, "Invalid enum value"),
    ],
)
def test_a_bad_entry_is_one_line(debian, out, changes, told):
    debian.add("sounds-data", deb({}), **changes)
    done = gather(debian, out)
    assert done.returncode == 2
    assert told in one_line(done.stderr)


def test_a_folder_that_cannot_be_made_is_one_line(debian, out):
    out.write_text("a file")
    debian.add("sounds-data", deb({"a.wav": encoded(sweep(1))}))
    done = gather(debian, out)
    assert done.returncode == 2
    assert f"{out}: cannot be written" in one_line(done.stderr)
