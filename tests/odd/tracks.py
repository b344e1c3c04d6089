"""Films with more than a picture and sound: several pictures, covers, subtitles, data, chapters, attachments."""

import struct
from pathlib import Path

import numpy as np
from media.clips import run

from odd.case import Film, Refused, case, cases
from odd.making import AAC, X264, beeps, encode, pictures, sound_with_cover, url, with_sound

HEARD = Film(sound=1)
SRT = "1\n00:00:00,100 --> 00:00:00,600\nhello\n\n2\n00:00:00,700 --> 00:00:00,900\nagain\n\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.10,0:00:00.60,Default,,0,0,0,,{\\b1}hello
"""
CHAPTERS = ";FFMETADATA1\ntitle=two parts\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 480}\ntitle=part {at}\n" for at in (0, 480)
)


def beside(path: Path, name: str, text: str) -> str:
    path.with_name(name).write_text(text)
    return url(path.with_name(name))


@cases("subtitled.mkv", Film(sound=1, subtitles=1, said="becomes mov_text"), ("film.mp4", "film.mov"))
@cases("subtitled.mkv", Film(sound=1, subtitles=1), ("",))
@cases("subtitled.mkv", Film(sound=1, subtitles=1, said="becomes webvtt"), ("film.webm",))
def subtitled(path: Path) -> None:
    sound, text = url(beeps(path.with_name("a.wav"))), beside(path, "s.srt", SRT)
    encode(path, "-map", "0:v", "-map", "1", "-map", "2", *X264, *AAC, "-c:s", "srt", more=("-i", sound, "-i", text))


@cases("subtitled.mp4", Film(subtitles=1), ("", "film.mp4"))
def subtitled_mp4(path: Path) -> None:
    encode(path, "-map", "0:v", "-map", "1", *X264, "-c:s", "mov_text", more=("-i", beside(path, "s.srt", SRT)))


@cases("styled.mkv", Film(subtitles=1), ("", "film.mp4"))
def styled(path: Path) -> None:
    encode(path, "-map", "0:v", "-map", "1", *X264, "-c:s", "ass", more=("-i", beside(path, "s.ass", ASS)))


@cases("vtt.webm", Film(subtitles=1, fidelity=30), ("", "film.webm"))
def vtt(path: Path) -> None:
    encode(
        path,
        "-map",
        "0:v",
        "-map",
        "1",
        "-c:v",
        "libvpx",
        "-b:v",
        "2M",
        "-c:s",
        "webvtt",
        more=("-i", beside(path, "s.srt", SRT)),
    )


def disc_subtitles(path: Path) -> None:
    """Subtitles of a Blu-ray, which are pictures."""
    line = bytes([0, 0x80 | 16, 1, 0, 0])  # 16 pixels of colour 1
    parts = (
        (0x16, struct.pack(">HHBHBBBBHBBHH", 160, 96, 0x10, 0, 0x80, 0, 0, 1, 0, 0, 0, 8, 8)),
        (0x17, struct.pack(">BBHHHH", 1, 0, 8, 8, 16, 2)),
        (0x14, bytes([0, 0, 1, 235, 128, 128, 255])),
        (
            0x15,
            struct.pack(">HBB", 0, 0, 0xC0)
            + (4 + 2 * len(line)).to_bytes(3, "big")
            + struct.pack(">HH", 16, 2)
            + 2 * line,
        ),
        (0x80, b""),
    )
    sup = path.with_name("s.sup")
    sup.write_bytes(b"".join(struct.pack(">2sIIBH", b"PG", 9000, 0, kind, len(data)) + data for kind, data in parts))
    encode(path, "-map", "0:v", "-map", "1:s", *X264, "-c:s", "copy", more=("-i", url(sup)))


case("disc_subtitles.mkv", Film(subtitles=1))(disc_subtitles)
case("disc_subtitles.mkv", Film(said="subtitle track 1"), output="film.mp4")(disc_subtitles)


@cases("chapters.mkv", Film(sound=1, chapters=2), ("", "film.mp4", "film.mov", "film.webm"))
def chapters(path: Path) -> None:
    sound, text = url(beeps(path.with_name("a.wav"))), beside(path, "c.txt", CHAPTERS)
    encode(path, "-map", "0:v", "-map", "1:a", "-map_metadata", "2", *X264, *AAC, more=("-i", sound, "-i", text))


@cases("chapters.mp4", Film(chapters=2), ("", "film.mp4"))
def chapters_mp4(path: Path) -> None:
    """Titles of chapters are a track of text here."""
    encode(path, "-map", "0:v", "-map_metadata", "1", *X264, more=("-i", beside(path, "c.txt", CHAPTERS)))


@case("two_pictures.mkv", Film(said="left out of two_pictures.mkv: 1 further picture track"))
def two_pictures(path: Path) -> None:
    """A second camera: the first track is the film."""
    encode(path.with_name("b.mkv"), shown=[np.zeros_like(image) for image in pictures()])
    encode(path, "-map", "0:v", "-map", "1:v", *X264, more=("-i", url(path.with_name("b.mkv"))))


@case("second_default.mkv", Film(said="1 further picture track (64x48)"))
@case("second_default.mp4", Film(said="1 further picture track (64x48)"))
def second_default(path: Path) -> None:
    """A second camera is marked as default: players show that one."""
    marks = ("-disposition:v:0", "0", "-disposition:v:1", "default")
    other = ("-f", "lavfi", "-i", "color=red:s=64x48:r=25:d=0.96")
    encode(path, "-map", "1:v", "-map", "0:v", *X264, *marks, more=other)


@case("radio_first.ts", Film(sound=1, said="1 sound track of another programme"))
def radio_first(path: Path) -> None:
    """A recording of two programmes, of which a radio's is the first and begins earlier; the other one beeps."""
    sound, hum = url(beeps(path.with_name("a.wav"))), ("-itsoffset", "-0.5", "-f", "lavfi", "-i", "sine=300:d=1.5")
    programmes = ("-program", "title=Radio:st=0", "-program", "title=TV:st=1:st=2")
    encode(path, "-map", "1:a", "-map", "0:v", "-map", "2:a", *X264, *AAC, *programmes, more=(*hum, "-i", sound))


@case("two_sizes.ts", Film())
def two_programs(path: Path) -> None:
    encode(path, "-map", "0:v", "-map", "0:v", *X264, "-filter:v:1", "scale=320:192")


@case("cover_first.mkv", Film(sound=1, said="1 cover picture"))
def cover_as_attachment(path: Path) -> None:
    encode(path.with_name("cover.jpg"), "-frames:v", "1", "-vf", "scale=64:64")
    with_sound(
        path,
        *AAC,
        "-attach",
        str(path.with_name("cover.jpg")),
        "-metadata:s:t",
        "mimetype=image/jpeg",
        "-metadata:s:t",
        "filename=cover.jpg",
    )


@cases("cover.mp4", Film(sound=1, said="1 cover picture"), ("", "film.mp4"))
def cover_in_mp4(path: Path) -> None:
    encode(path.with_name("cover.jpg"), "-frames:v", "1", "-vf", "scale=64:64")
    with_sound(path.with_name("a.mp4"))
    run(
        "-i",
        url(path.with_name("a.mp4")),
        "-i",
        url(path.with_name("cover.jpg")),
        "-map",
        "1",
        "-map",
        "0",
        "-c",
        "copy",
        "-disposition:v:0",
        "attached_pic",
        url(path),
    )


@case("preview_first.mov", HEARD)
def preview_first(path: Path) -> None:
    """A picture of one frame that is not marked as a cover, as a second track."""
    encode(path.with_name("cover.jpg"), "-frames:v", "1")
    with_sound(path.with_name("a.mp4"))
    run(
        "-i",
        url(path.with_name("a.mp4")),
        "-i",
        url(path.with_name("cover.jpg")),
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        url(path),
    )


@case("font.mkv", Film(sound=1, said="1 attachment"))
def font(path: Path) -> None:
    path.with_name("font.ttf").write_bytes(bytes(3000))
    with_sound(
        path,
        *AAC,
        "-attach",
        str(path.with_name("font.ttf")),
        "-metadata:s:t",
        "mimetype=application/x-truetype-font",
    )


@cases("timecode.mov", Film(sound=1, said="1 timecode track"), ("", "film.mov", "film.mp4"))
def timecode(path: Path) -> None:
    with_sound(path, *AAC, "-timecode", "01:00:00:00", "-write_tmcd", "1")


@cases("timecode.mxf", Film(sound=1, said="1 timecode track"), ("", "film.mp4"))
def timecode_mxf(path: Path) -> None:
    video = ("-c:v", "mpeg2video", "-q:v", "2", "-pix_fmt", "yuv422p", "-g", "1")
    with_sound(path, "-c:a", "pcm_s16le", "-timecode", "10:00:00:00", video=video)


@cases("drone.ts", Film(sound=1, said="1 data track"), ("", "film.mp4"))
def drone(path: Path) -> None:
    """Telemetry in a data track."""
    path.with_name("klv").write_bytes(bytes(range(200)) * 4)
    sound = url(beeps(path.with_name("a.wav")))
    encode(
        path,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-map",
        "2",
        *X264,
        *AAC,
        "-c:d",
        "copy",
        more=("-i", sound, "-f", "data", "-i", url(path.with_name("klv"))),
    )


@cases("drone.mp4", Film(sound=1, subtitles=1), ("", "film.mp4"))
def drone_subtitles(path: Path) -> None:
    """Places and heights as subtitles, as DJI writes them."""
    sound, text = url(beeps(path.with_name("a.wav"))), beside(path, "s.srt", SRT)
    encode(
        path,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-map",
        "2:s",
        *X264,
        *AAC,
        "-c:s",
        "mov_text",
        more=("-i", sound, "-i", text),
    )


@case("sound_only.mp4", Refused("no video"))
def sound_only(path: Path) -> None:
    run("-i", url(beeps(path.with_name("a.wav"))), *AAC, url(path))


@case("cover_only.mp3", Refused("cover picture"))
def cover_only(path: Path) -> None:
    sound_with_cover(path)


@case("subtitles.srt", Refused("cannot be opened as a video"))
def subtitles_only(path: Path) -> None:
    path.write_text(SRT)


@case("tags.mp4", HEARD)
def strange_tags(path: Path) -> None:
    """Titles with line breaks, quotes and other scripts."""
    with_sound(path, *AAC, "-metadata", 'title=a\nb; "c" = 日本 %03d', "-metadata", "location=+48.1+011.6/")


@cases("phone.mov", Film(sound=1), ("", "film.mov"))
@cases("phone.mov", Film(sound=1, said="left out of phone.mov: the tag com.apple.quicktime.make"), ("film.mp4",))
def phone_tags(path: Path) -> None:
    """Place, date and maker as an iPhone writes them."""
    apple = {"location.ISO6709": "+48.1+011.6/", "creationdate": "2024-05-05T12:00:00+0200", "make": "Apple"}
    tags = [word for name, text in apple.items() for word in ("-metadata", f"com.apple.quicktime.{name}={text}")]
    with_sound(path, *AAC, "-movflags", "use_metadata_tags", *tags)
