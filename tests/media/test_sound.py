"""Sound that is odd: what of it a film gets, that it is said, and that it is in time with the picture."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dreamvid.config.settings import OutputSettings
from dreamvid.core.errors import SourceError
from dreamvid.core.types import SourceInfo
from dreamvid.media import encode, probe
from dreamvid.media.audio_tracks import first_track

from . import clips
from .conftest import Clip

RATE = Fraction(25)


def beeping(path: Path, *arguments: str, begins: float = 0, seconds: float = 3, layout: str = "mono") -> Path:
    """A film of `seconds` with a beep of .05 s at 1.6 s, in sound that begins at `begins`."""
    wave = f"if(between(t+{begins},1.6,1.65),0.8*sin(2*PI*1000*t),0)"
    channels = {"mono": 1, "4.0": 4, "5.1(side)": 6, "stereo": 2}[layout]
    sound = f"aevalsrc=exprs='{'|'.join([wave] * channels)}':c={layout}:s=48000:d={seconds - begins}"
    inputs = ["-itsoffset", str(begins), "-f", "lavfi", "-i", sound]
    return clips.film(path, *clips.X264, "-map", "0", "-map", "1", *arguments, count=75, inputs=inputs)


def made(source: SourceInfo | None, output: Path, frames: range, music: Path | None = None) -> list[str]:
    """Writes a range of a source, plain frames for its picture, and gives back the notices."""
    clip = (frames.start / RATE, frames.stop / RATE)
    return clips.write(output, [clips.picture(n) for n in frames], RATE, sound=source, clip=clip, music=music)


def onset(path: Path) -> float:
    """The time at which the first sound is heard after the first picture, in seconds."""
    with av.open(str(path)) as container:
        shown = next(container.decode(video=0))
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().astype(float)).max(axis=0) > (0.05 if "flt" in frame.format.name else 1600)
            if loud.any():
                at = float(frame.pts * frame.time_base) + int(np.argmax(loud)) / frame.sample_rate
                return at - float(shown.pts * shown.time_base)
    raise AssertionError("there is no sound")


@pytest.mark.parametrize("name", ["song.aiff", "song.caf", "song.w64", "song.au", "song.wv", "song.tta", "song.ac3"])
def test_sound_of_every_usual_kind_of_file_goes_beside_a_film(name: str, tmp_path: Path) -> None:
    clips.run("-i", str(clips.tone(tmp_path / "a.wav", 0.3)), str(tmp_path / name))
    codec = first_track(tmp_path / name).codec
    made(None, tmp_path / "film.mkv", range(5), music=tmp_path / name)
    assert [track.codec for track in probe.probe(str(tmp_path / "film.mkv")).audio] == [codec]


def test_further_tracks_of_a_music_file_are_said_to_be_left_out(clip: Clip, tmp_path: Path) -> None:
    notices = made(None, tmp_path / "x.mkv", range(5), music=clip("two_tracks.mkv"))
    assert notices == ["left out of two_tracks.mkv: 1 further sound track"]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_range_is_in_time_also_of_a_film_that_was_cut_without_encoding(
    suffix: str, cut: bool, tmp_path: Path
) -> None:
    source = beeping(tmp_path / "whole.mp4", "-c:a", "aac")
    beep = 1.6
    if cut:  # the sound before the cut stays in the file, and an edit list hides it
        source, beep = tmp_path / "cut.mp4", 1.6 - 0.48
        clips.run("-ss", "0.48", "-i", str(tmp_path / "whole.mp4"), "-c", "copy", str(source))
    made(probe.probe(str(source)), tmp_path / f"x{suffix}", range(25, 50))
    first = onset(source)
    assert first == pytest.approx(beep, abs=0.04)
    assert onset(tmp_path / f"x{suffix}") == pytest.approx(first - 1, abs=0.01)


@pytest.mark.parametrize(("begins", "seconds", "frames"), [(0.0, 0.6, range(40, 50)), (1.2, 3.0, range(12))])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_track_without_sound_in_the_range_is_left_out(
    begins: float, seconds: float, frames: range, suffix: str, tmp_path: Path
) -> None:
    source = beeping(tmp_path / "source.mp4", "-c:a", "aac", begins=begins, seconds=seconds)
    notices = made(probe.probe(str(source)), tmp_path / f"x{suffix}", frames)
    assert notices == ["sound track 1 (aac) is left out: there is none of it in the film"]
    assert probe.probe(str(tmp_path / f"x{suffix}")).audio == ()


def test_a_track_of_an_unknown_codec_is_left_out_alone(tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.mov", "-map", "1", "-c:a", "aac")
    data = source.read_bytes()
    at = data.rindex(b"stsd")
    source.write_bytes(data[:at] + data[at:].replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    notices = made(probe.probe(str(source)), tmp_path / "x.mov", range(25))
    assert len(notices) == 1
    assert notices[0].startswith("sound track 2 (")
    assert "is left out: " in notices[0]
    assert "damaged" not in notices[0]
    assert [track.codec for track in probe.probe(str(tmp_path / "x.mov")).audio] == ["aac"]


def test_sound_that_is_damaged_nearly_everywhere_is_said_to_be(tmp_path: Path) -> None:
    whole, source = beeping(tmp_path / "whole.mkv", "-c:a", "libmp3lame"), tmp_path / "source.mkv"
    clips.run("-i", str(whole), "-c", "copy", "-bsf:a", "noise=amount=3", str(source))
    (notice,) = made(probe.probe(str(source)), tmp_path / "x.webm", range(75))
    assert notice.startswith("sound track 1 (mp3) is left out: too much of it is damaged (")


@pytest.mark.parametrize(
    ("layout", "codec", "became"), [("5.1(side)", "ac3", "5.1"), ("4.0", "flac", "5.0"), ("stereo", "flac", "stereo")]
)
def test_channels_are_laid_out_as_opus_takes_them(layout: str, codec: str, became: str, tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.mkv", "-c:a", codec, layout=layout)
    notices = made(probe.probe(str(source)), tmp_path / "x.webm", range(25, 50))
    assert notices == [f"sound track 1 ({codec}) becomes opus: webm does not keep it as it is"]
    with av.open(str(tmp_path / "x.webm")) as container:
        assert container.streams.audio[0].layout.name == became


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("first", [10, 12, 15, 23])
@pytest.mark.parametrize(("codec", "rate"), [("adpcm_ima_wav", 8000), ("adpcm_ms", 11025)])
def test_a_range_is_in_time_though_avi_counts_in_whole_packets(
    codec: str, rate: int, first: int, suffix: str, tmp_path: Path
) -> None:
    source = beeping(tmp_path / "source.avi", "-bf", "0", "-c:a", codec, "-ar", str(rate))
    made(probe.probe(str(source)), tmp_path / f"x{suffix}", range(first, 75))
    assert onset(tmp_path / f"x{suffix}") == pytest.approx(1.6 - first / 25, abs=0.003)


def test_packets_that_cannot_be_cut_in_time_are_not_copied(tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.avi", "-bf", "0", "-c:a", "libmp3lame", "-ar", "8000")
    found = probe.probe(str(source))
    became = "sound track 1 (mp3) becomes flac: its packets are too long to be cut exactly"
    assert made(found, tmp_path / "cut.mkv", range(15, 75)) == [became]
    assert made(found, tmp_path / "whole.mkv", range(75)) == []


def test_the_pcm_of_discs_is_converted(tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.m2ts", "-c:a", "pcm_bluray", "-f", "mpegts", layout="stereo")
    notices = made(probe.probe(str(source)), tmp_path / "x.mkv", range(25, 50))
    assert notices == ["sound track 1 (pcm_bluray) becomes flac: matroska does not keep it as it is"]
    assert onset(tmp_path / "x.mkv") == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_an_mp3_beside_the_film_is_copied(suffix: str, tmp_path: Path) -> None:
    music = tmp_path / "song.mp3"
    clips.run("-i", str(beeping(tmp_path / "source.mkv", "-c:a", "flac")), "-vn", "-c:a", "libmp3lame", str(music))
    assert made(None, tmp_path / f"x{suffix}", range(50), music=music) == []
    assert [track.codec for track in probe.probe(str(tmp_path / f"x{suffix}")).audio] == ["mp3"]
    assert onset(tmp_path / f"x{suffix}") == pytest.approx(1.6, abs=0.03)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_moving_webp_becomes_a_film(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / "moving.webp"
    clips.write(source, [clips.picture(number) for number in range(5)])
    assert made(probe.probe(str(source)), tmp_path / f"x{suffix}", range(5)) == []
    assert probe.probe(str(tmp_path / f"x{suffix}")).frames == 5


def test_a_source_that_goes_while_its_film_is_rendered_has_left_its_sound(tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.mp4", "-c:a", "aac")
    film = encode.FilmSpec((90, 160), RATE, 75, OutputSettings(), sound=probe.probe(str(source)))
    trial = encode.rehearse(tmp_path / "x.mp4", film, tmp_path / "trial", threads=1, notice=print)
    wanted = clips.sound_md5(source)
    source.unlink()
    frames = [clips.picture(number) for number in range(75)]
    encode.encode(lambda: frames, tmp_path / "x.mp4", film, trial, threads=1, notice=print)
    assert clips.sound_md5(tmp_path / "x.mp4") == wanted


@pytest.mark.parametrize("name", ["x" * 300, "/dev/zero", "none.mp3", "."])
def test_a_sound_that_no_file_can_be_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(SourceError) as caught:
        first_track(Path(name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_sound_that_is_damaged_in_places_is_said_to_be(suffix: str, tmp_path: Path) -> None:
    inputs = ("-i", str(clips.tone(tmp_path / "tone.wav", 3)))
    whole = clips.film(tmp_path / "whole.mp4", *clips.X264, "-c:a", "aac", count=75, inputs=inputs)
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    for packet in packets[40:43]:
        at = data.find(packet)
        data[at + 4 : at + len(packet) - 2] = bytes(byte ^ 0xA5 for byte in packet[4:-2])
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    said = made(probe.probe(str(broken)), tmp_path / f"film{suffix}", range(75))
    assert any("sound track 1 (aac) is damaged in places" in line for line in said)
    assert not any("damaged" in line for line in made(probe.probe(str(whole)), tmp_path / f"good{suffix}", range(75)))


def test_a_sound_beside_the_film_that_is_cut_short_is_said_to_be(tmp_path: Path) -> None:
    whole, cut = clips.tone(tmp_path / "song.wav", 1), tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:30_000])
    assert "cut.wav is cut short: its sound ends where it breaks off" in made(None, tmp_path / "a.mkv", range(5), cut)
    assert not any("cut short" in line for line in made(None, tmp_path / "b.mkv", range(5), whole))


def test_a_broken_picture_does_not_break_the_sound(tmp_path: Path) -> None:
    inputs = ("-i", str(clips.tone(tmp_path / "tone.wav", 3)))
    how = ("-map", "0", "-map", "1", *clips.X264, "-c:a", "aac")
    whole = clips.film(tmp_path / "whole.mkv", *how, count=75, inputs=inputs)
    late = tmp_path / "late.mkv"
    clips.run("-i", str(whole), "-c", "copy", "-copyinkf", "-bsf:v", "noise=drop='lt(n,2)':amount=0", str(late))
    source = probe.probe(str(late), tolerate_damage=True)
    for suffix in (".mkv", ".webm"):
        said = made(source, tmp_path / f"film{suffix}", range(30))
        assert not any("damaged" in line for line in said), said


@pytest.mark.parametrize(("codec", "more"), [("flac", ["-frame_size", "65535"]), ("tta", []), ("wavpack", [])])
def test_lossless_sound_of_long_packets_is_cut_to_the_sample(codec: str, more: list[str], tmp_path: Path) -> None:
    source = beeping(tmp_path / "source.mkv", "-c:a", codec, *more)
    assert made(probe.probe(str(source)), tmp_path / "x.mkv", range(13, 75)) == []
    assert onset(tmp_path / "x.mkv") == pytest.approx(1.6 - 13 / 25, abs=0.001)
    with av.open(str(tmp_path / "x.mkv")) as container:
        assert container.streams.audio[0].codec_context.name == codec
        samples = sum(frame.samples for frame in container.decode(audio=0))
        rate = container.streams.audio[0].rate
    assert samples / rate == pytest.approx(62 / 25, abs=0.001)
    made(probe.probe(str(source)), tmp_path / "short.mkv", range(10))
    with av.open(str(tmp_path / "short.mkv")) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) / rate == pytest.approx(0.4, abs=0.001)


@pytest.mark.parametrize(("suffix", "french"), [(".mkv", "fre"), (".mp4", "fre"), (".mov", "fra"), (".webm", "fre")])
def test_languages_and_marks_of_tracks_are_kept_or_said(suffix: str, french: str, tmp_path: Path) -> None:
    sound = beeping(tmp_path / "sound.mkv", "-c:a", "aac")
    source, twice = tmp_path / "source.mkv", ["-map", "0", "-map", "0:a", "-c", "copy"]
    told = ["-metadata:s:a:0", "language=fre", "-metadata:s:a:1", "language=ger", "-disposition:a:0", "0"]
    clips.run("-i", str(sound), *twice, *told, "-disposition:a:1", "comment", str(source))
    notices = made(probe.probe(str(source)), tmp_path / f"x{suffix}", range(75))
    with av.open(str(tmp_path / f"x{suffix}")) as container:
        assert [stream.language for stream in container.streams.audio] == [french, "ger"]
        commented = [bool(stream.disposition & av.stream.Disposition.comment) for stream in container.streams.audio]
    assert commented == [False, suffix in (".mkv", ".mp4")]
    lost = "left out of source.mkv: the mark comment of sound track 2"
    assert [notice for notice in notices if "becomes" not in notice] == ([] if any(commented) else [lost])


def test_a_track_that_begins_behind_the_range_is_left_out_though_there_are_chapters(tmp_path: Path) -> None:
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n")
    sound, source = beeping(tmp_path / "sound.mkv", "-c:a", "flac"), tmp_path / "source.mkv"
    late = ["-itsoffset", "1", "-i", str(sound), "-i", str(chapters), "-map", "0", "-map", "1:a", "-map_chapters", "2"]
    clips.run("-i", str(sound), *late, "-c", "copy", str(source))
    notices = made(probe.probe(str(source)), tmp_path / "x.mov", range(10))
    assert notices[-1] == "sound track 2 (flac) is left out: there is none of it in the film"
    with av.open(str(tmp_path / "x.mov")) as container:
        assert len(container.streams.audio) == 1
