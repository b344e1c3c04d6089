"""The tracks of a file that are the film's: of several pictures, and of the programmes of a broadcast."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dreamvid.config.presets import resolve
from dreamvid.config.settings import AudioSettings
from dreamvid.core.types import Pixels
from dreamvid.media import audio_tracks, probe
from dreamvid.media.audio_features import listen, of_film
from dreamvid.media.thumbnail import thumbnail

from . import clips

RED, BLUE, GREEN = (230, 20, 20), (20, 20, 230), (20, 230, 20)
RADIO, FILM, SECOND = 300, 3000, 900  # Hz


def colour(name: str, size: str = "64x48", seconds: float = 1) -> list[str]:
    return ["-f", "lavfi", "-i", f"color={name}:s={size}:r=25:d={seconds}"]


def sine(pitch: int) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine={pitch}:r=48000:d=1"]


def is_of(image: Pixels, wanted: tuple[int, int, int]) -> bool:
    return bool(np.abs(image.mean(axis=(0, 1)) - wanted).max() < 40)


def pitches(path: Path) -> list[float]:
    """The loudest frequency of each sound track of a file, in Hz, to the nearest ten."""
    with av.open(str(path)) as container:
        count, found = len(container.streams.audio), []
    for number in range(count):
        raw = clips.run("-i", str(path), "-map", f"0:a:{number}", "-ac", "1", "-ar", "16000", "-f", "f32le", "-")
        samples = np.frombuffer(raw, np.float32)
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        found.append(round(float(np.argmax(power)) * 16000 / len(samples), -1))
    return found


def two_pictures(path: Path, marked: int | None, *how: str) -> Path:
    """A film of a red picture, 64x48, and a blue one, 128x72; `marked`: which of them is the default."""
    marks = [part for at in (0, 1) for part in (f"-disposition:v:{at}", "default" if at == marked else "0")]
    inputs = [*colour("red"), *colour("blue", "128x72")]
    clips.run(*inputs, "-map", "0", "-map", "1", *clips.X264, *marks, *how, str(path))
    return path


def rendered(source: Path, output: Path, music: Path | None = None, clip: tuple[int, int] | None = None) -> list[str]:
    """Encodes the frames of a source, or of a range of them, as its film, and gives back the notices."""
    info = probe.probe(str(source))
    frames = clips.images(info, None if clip is None else range(*clip))
    times = None if clip is None else (Fraction(clip[0], 25), Fraction(clip[1], 25))
    return clips.write(output, frames, info.rate, sound=info, delay=info.delay, music=music, clip=times)


def broadcast(path: Path, *programmes: str) -> Path:
    """A recording of a radio, a film and its sound, and a second sound: tracks 0, 1 and 2, 3."""
    of = [part for programme in programmes for part in ("-program", programme)]
    inputs = [*sine(RADIO), *colour("blue"), *sine(FILM), *sine(SECOND)]
    maps = [part for number in range(4) for part in ("-map", str(number))]
    clips.run(*inputs, *maps, *clips.X264, "-c:a", "mp2", *of, str(path))
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("marked", [0, 1, None])
def test_of_several_pictures_the_film_has_the_one_that_is_marked_as_default(
    suffix: str, marked: int | None, tmp_path: Path
) -> None:
    source = two_pictures(tmp_path / f"a{suffix}", marked)
    info, second = probe.probe(str(source)), marked == 1
    assert (info.picture, info.width, info.height) == ((1, 128, 72) if second else (0, 64, 48))
    assert is_of(clips.images(info, [0])[0], BLUE if second else RED)
    assert is_of(thumbnail(source, 64), BLUE if second else RED)
    other = "64x48" if second else "128x72"
    assert rendered(source, tmp_path / "x.mkv") == [f"left out of a{suffix}: 1 further picture track ({other})"]


def test_a_cover_is_none_of_the_pictures(tmp_path: Path) -> None:
    inputs = ["-i", str(two_pictures(tmp_path / "two.mp4", 1)), *colour("green", "96x96", 0.04)]
    marks = ["-disposition:v:0", "attached_pic", "-disposition:v:1", "0", "-disposition:v:2", "default"]
    how = ["-map", "1", "-map", "0", "-c", "copy", "-c:v:0", "png", *marks]
    clips.run(*inputs, *how, str(tmp_path / "a.mp4"))
    info = probe.probe(str(tmp_path / "a.mp4"))
    assert info.picture == 1
    assert is_of(clips.images(info, [0])[0], BLUE)
    said = "left out of a.mp4: 1 further picture track (64x48), 1 cover picture"
    assert rendered(tmp_path / "a.mp4", tmp_path / "x.mkv") == [said]


def test_of_a_damaged_file_it_is_the_same_picture(tmp_path: Path) -> None:
    whole, source = two_pictures(tmp_path / "whole.mkv", 1), tmp_path / "a.mkv"
    lost = ["-bsf:v:1", "noise=drop='lt(n,2)':amount=0"]
    clips.run("-i", str(whole), "-map", "0", "-c", "copy", "-copyinkf", *lost, str(source))
    info = probe.probe(str(source), tolerate_damage=True)
    assert info.damaged
    assert (info.width, info.picture) == (128, 1)
    assert is_of(clips.images(info, [info.frames - 1])[0], BLUE)


def test_a_broadcast_whose_pictures_begin_one_after_the_other_is_in_time(tmp_path: Path) -> None:
    """The clock of ffmpeg begins with the first track that is open: that of the film alone."""
    inputs = ["-itsoffset", "0.52", *colour("blue"), *colour("red"), *sine(FILM)]
    maps = [part for number in range(3) for part in ("-map", str(number))]
    clips.run(*inputs, *maps, *clips.X264, "-bf", "0", "-c:a", "mp2", str(tmp_path / "a.ts"))
    info = probe.probe(str(tmp_path / "a.ts"))
    assert is_of(clips.images(info, [0])[0], BLUE)
    assert float(info.delay) == pytest.approx(0.52, abs=0.03)


TWO = ("title=Radio:st=0", "title=TV:st=1:st=2:st=3")
STRANGE = "\n  Program 9 \n[info]   Stream #0\\:0[0x101]"  # as ffmpeg tells of a programme
BROADCASTS = {
    "a radio beside": (TWO, [FILM, SECOND], "1 sound track of another programme"),
    "two beside": (
        ("title=A:st=0", "title=B:st=1:st=2", "title=C:st=3"),
        [FILM],
        "2 sound tracks of another programme",
    ),
    "a sound of both": (("title=A:st=0:st=2", "title=B:st=1:st=2:st=3"), [FILM, SECOND], "1 sound track of another"),
    "the film alone": (("title=TV:st=0:st=1:st=2:st=3",), [RADIO, FILM, SECOND], ""),
    "a silent film": (("title=A:st=0:st=2:st=3", "title=TV:st=1"), [], "3 sound tracks of another programme"),
    "a strange name": ((f"title=A{STRANGE}:st=0", TWO[1]), [FILM, SECOND], "1 sound track of another"),
}


@pytest.mark.parametrize("name", BROADCASTS)
@pytest.mark.parametrize(("suffix", "clip"), [(".mkv", None), (".mp4", (5, 20))])
def test_the_film_has_the_sounds_of_its_programme(
    name: str, suffix: str, clip: tuple[int, int] | None, tmp_path: Path
) -> None:
    programmes, wanted, said = BROADCASTS[name]
    source = broadcast(tmp_path / "a.ts", *programmes)
    assert len(pitches(source)) == 3
    notices = rendered(source, tmp_path / f"x{suffix}", clip=clip)
    assert pitches(tmp_path / f"x{suffix}") == wanted
    assert len(notices) == bool(said)
    assert all(notice.startswith(f"left out of a.ts: {said}") for notice in notices)
    if clip is None:
        film = probe.probe(str(tmp_path / f"x{suffix}"))
        assert audio_tracks.hashes(probe.probe(str(source))) == audio_tracks.hashes(film)


def test_the_film_has_the_subtitles_of_its_programme(tmp_path: Path) -> None:
    line = bytes([0, 0x80 | 16, 1, 0, 0])  # 16 pixels of colour 1
    parts = (  # of a Blu-ray's subtitle: where, in what, its colour, two lines, its end
        (0x16, struct.pack(">HHBHBBBBHBBHH", 64, 48, 0x10, 0, 0x80, 0, 0, 1, 0, 0, 0, 8, 8)),
        (0x17, struct.pack(">BBHHHH", 1, 0, 8, 8, 16, 2)),
        (0x14, bytes([0, 0, 1, 235, 128, 128, 255])),
        (0x15, struct.pack(">HBBBHHH", 0, 0, 0xC0, 0, 4 + 2 * len(line), 16, 2) + 2 * line),
        (0x80, b""),
    )
    text = b"".join(struct.pack(">2sIIBH", b"PG", 9000, 0, kind, len(data)) + data for kind, data in parts)
    (tmp_path / "s.sup").write_bytes(text)
    inputs = ["-i", str(tmp_path / "s.sup"), *colour("blue"), "-i", str(tmp_path / "s.sup")]
    how = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=fra", "-c:s", "dvbsub"]
    maps = [part for number in range(3) for part in ("-map", str(number))]
    programmes = ["-program", "title=A:st=0", "-program", "title=B:st=1:st=2"]
    clips.run(*inputs, *maps, *clips.X264, *how, *programmes, str(tmp_path / "a.ts"))
    said = "left out of a.ts: 1 subtitle track of another programme"
    assert rendered(tmp_path / "a.ts", tmp_path / "x.mkv") == [said]
    assert [track.language for track in probe.probe(str(tmp_path / "x.mkv")).subtitles] == ["fra"]


def test_what_is_heard_of_a_broadcast_is_the_sound_of_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    source = broadcast(tmp_path / "a.ts", *TWO)
    settings = resolve("dream", [("dream.step_size", "0.006 + 0.03 * high")])
    for heard in (listen(source, AudioSettings()).at, of_film(settings, probe.probe(str(source))).hear):
        assert heard("high", 0.5) > 0.9
        assert heard("mid", 0.5) < 0.1


def test_the_sound_of_a_broadcast_beside_a_film_is_that_of_its_picture(tmp_path: Path) -> None:
    music = broadcast(tmp_path / "music.ts", *TWO)
    source = two_pictures(tmp_path / "a.mkv", 0)
    notices = rendered(source, tmp_path / "x.mkv", music)
    assert pitches(tmp_path / "x.mkv") == [FILM]
    assert notices[1:] == ["left out of music.ts: 2 further sound tracks"]
    silent = broadcast(tmp_path / "silent.ts", "title=A:st=0:st=2:st=3", "title=TV:st=1")
    rendered(source, tmp_path / "y.mkv", silent)
    assert pitches(tmp_path / "y.mkv") == [RADIO]
