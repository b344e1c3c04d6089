"""Rarer kinds of films, found by trying what the other themes do not have."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from media.clips import run

from odd.case import ALL, Film, Refused, case, cases
from odd.colours import hlg, linear
from odd.making import AAC, X264, beeps, encode, held, pictures, stamped, url, with_sound
from odd.picture import COUNT, grey_of, picture

HEARD = Film(sound=1)
for name in ("GX010042.LRV", "clip.m4v", "clip.f4v", "clip.insv", "clip.mp4.bak"):
    case(name, HEARD)(lambda path: with_sound(path, *AAC, "-f", "mp4"))
for name in ("00001.MTS", "MOV001.TOD", "clip.trp"):
    case(name, HEARD)(lambda path: with_sound(path, "-c:a", "ac3", "-f", "mpegts"))
case("MOV001.MOD", HEARD)(
    lambda path: with_sound(path, "-c:a", "mp2", "-f", "vob", video=("-c:v", "mpeg2video", "-q:v", "2"))
)


STEPS = [*(8 * k for k in range(6)), *(48 + k for k in range(12)), *(60 + 8 * k for k in range(6))]  # of 1/240 s
SLOWED = held([(number, step / 240) for number, step in enumerate(STEPS)], 108 / 240, 240)


@cases("slow_part.mov", Film(shows=SLOWED, rate="240"), ("", "film.mp4"))
def slow_part(path: Path) -> None:
    """A phone's slow motion: 30 frames a second, then 240, then 30 again."""
    stamped(path, STEPS, base=Fraction(1, 240), last=8)


@case("dropped.avi", Film(shows=(*ALL[:5], 4, 4, *ALL[7:])))
def dropped(path: Path) -> None:
    """Frames that a capture card dropped: empty chunks, which repeat the frame before."""
    encode(path.with_name("a.avi"), "-c:v", "ffv1", "-g", "1")
    data = path.with_name("a.avi").read_bytes()
    encode(path, "-c:v", "huffyuv", "-pix_fmt", "rgb24")
    data, at, number = bytearray(path.read_bytes()), 0, 0
    found = bytearray()
    start = data.index(b"movi") + 4
    end = start - 8 + struct.unpack("<I", data[start - 8 : start - 4])[0] + 4
    at = start
    while at + 8 <= end:
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        chunk = data[at : at + 8 + size + size % 2]
        if data[at : at + 4] == b"00dc":
            chunk = data[at : at + 4] + bytes(4) if number in (5, 6) else chunk
            number += 1
        found += chunk
        at += 8 + size + size % 2
    rest = data[8 : start - 8] + struct.pack("<I", len(found) + 4) + b"movi" + found
    path.write_bytes(b"RIFF" + struct.pack("<I", len(rest)) + rest)  # without an index, as after a crash


@case("webrtc.webm", Refused("size changes"))
def webrtc(path: Path) -> None:
    """A call whose picture grew when the line became better."""
    parts = []
    for number, (height, width) in enumerate(((96, 160), (192, 320))):
        part = path.with_name(f"{number}.webm")
        encode(part, "-c:v", "libvpx", "-b:v", "2M", shown=[picture(n, height, width) for n in range(8)])
        parts.append(part)
    with av.open(str(parts[0])) as first, av.open(str(parts[1])) as second, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(first.streams.video[0])
        for shift, old in ((0, first), (320, second)):
            for packet in old.demux(video=0):
                if packet.pts is not None:
                    packet.pts += shift
                    packet.dts = packet.pts
                    packet.stream = stream
                    new.mux(packet)


@cases(
    "ntsc.dv",
    Film(
        size=(720, 480),
        sar="8/9",
        rate="30000/1001",
        sound=1,
        shows=tuple(range(0, 48, 2)),
        beeps=(0.2, 0.6),
        fidelity=30,
    ),
    ("", "film.mp4"),
)
def ntsc_tape(path: Path) -> None:
    """Tape of NTSC: 4:1:1, the bottom field first."""
    found = []
    for number in range(0, 2 * COUNT, 2):
        image = picture(number + 1, 480, 720)
        image[1::2] = picture(number, 480, 720)[1::2]
        found.append(image)
    sound = beeps(path.with_name("stereo.wav"), channels=2)
    with_sound(
        path,
        "-c:a",
        "pcm_s16le",
        video=("-aspect", "4:3", "-pix_fmt", "yuv411p"),
        shown=found,
        sound=sound,
        rate="30000/1001",
    )


@case("hdv.m2t", Film(shows=tuple(range(0, 8, 2)), size=(1440, 1080), sar="4/3", fidelity=32))
def hdv(path: Path) -> None:
    """Interlaced HD of 1440 columns, BT.709 without saying so."""
    found = []
    for number in range(0, 8, 2):
        image = picture(number, 1080, 1440)
        image[1::2] = picture(number + 1, 1080, 1440)[1::2]
        found.append(image)
    encode(
        path,
        "-vf",
        "scale=out_color_matrix=bt709:interl=1,format=yuv420p,setfield=tff,setsar=4/3",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        "-flags",
        "+ilme+ildct",
        "-f",
        "mpegts",
        shown=found,
    )


@case("ycgco.mkv", Film())
def ycgco(path: Path) -> None:
    """A matrix of lossless screen recorders, made by hand."""
    planes = []
    for image in pictures():
        r, g, b = (image[:, :, k].astype(np.float64) for k in range(3))
        y, cg, co = r / 4 + g / 2 + b / 4, -r / 4 + g / 2 - b / 4 + 128, r / 2 - b / 2 + 128
        planes.append(b"".join(np.rint(plane).clip(0, 255).astype(np.uint8).tobytes() for plane in (y, cg, co)))
    run(
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv444p",
        "-s",
        "160x96",
        "-r",
        "25",
        "-color_range",
        "pc",
        "-colorspace",
        "ycgco",
        "-i",
        "pipe:0",
        "-c:v",
        "libx264",
        "-qp",
        "1",
        "-pix_fmt",
        "yuv444p",
        "-colorspace",
        "ycgco",
        "-color_range",
        "pc",
        url(path),
        data=b"".join(planes),
    )


for matrix in ("smpte240m", "fcc", "bt2020nc"):
    how = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv444p,setparams=colorspace={matrix}:range=tv"
    case(f"{matrix}.mp4", Film())(lambda path, how=how: encode(path, "-vf", how, "-c:v", "libx264", "-qp", "2"))


@case("turned_3.mp4", Film(sound=1, fidelity=30))
def turned_3(path: Path) -> None:
    """A turn by 3 degrees, of which ffmpeg warns in the middle of a line."""
    with_sound(path.with_name("a.mp4"))
    run("-display_rotation", "3", "-i", url(path.with_name("a.mp4")), "-c", "copy", url(path))


@case("extreme_sar.mp4", Film(sar="1"))
def extreme_sar(path: Path) -> None:
    encode(path, *X264, "-vf", "setsar=1000/1")


@cases("overlapping_chapters.mkv", Film(chapters=2), ("", "film.mp4"))
def overlapping_chapters(path: Path) -> None:
    """Chapters that overlap and one that is beyond the end."""
    text = ";FFMETADATA1\n" + "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={stop}\ntitle=x\n" for start, stop in ((0, 800), (400, 5000))
    )
    path.with_name("c.txt").write_text(text)
    encode(path, "-map", "0:v", "-map_metadata", "1", *X264, more=("-i", url(path.with_name("c.txt"))))


@case("early_sound.mkv", Film(sound=1))
def early_sound(path: Path) -> None:
    """Sound from before the first picture on, in a file that begins far from 0."""
    encode(path.with_name("v.mkv"))
    sound = beeps(path.with_name("a.wav"), (0.5, 0.9), 1.26)
    run(
        "-itsoffset",
        "7.3",
        "-i",
        url(path.with_name("v.mkv")),
        "-itsoffset",
        "7",
        "-i",
        url(sound),
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "copy",
        "-c:a",
        "flac",
        "-copyts",
        url(path),
    )


@case("one_sample.mkv", Film(sound=1, beeps=()))
def one_sample(path: Path) -> None:
    """Sound of a few samples."""
    with_sound(path, "-c:a", "pcm_s16le", sound=beeps(path.with_name("short.wav"), (), 0.001))


@case("gap_in_sound.mkv", Film(sound=1), output="film.mp4")
def gap_in_sound(path: Path) -> None:
    """Half of the sound is missing in the middle, as a recorder leaves it out where it is silent."""
    with_sound(path.with_name("a.mkv"), "-c:a", "pcm_s16le")
    with av.open(str(path.with_name("a.mkv"))) as old, av.open(str(path), "w") as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.pts is None or (packet.stream.type == "audio" and 0.35 < packet.pts * packet.time_base < 0.5):
                continue
            packet.stream = streams[packet.stream.index]
            new.mux(packet)


@case("spark.flv", Film(sound=1, fidelity=30))
def spark(path: Path) -> None:
    with_sound(path, "-c:a", "libmp3lame", "-ar", "44100", video=("-c:v", "flv", "-q:v", "2"))


@case("real.rm", Film(fidelity=30))
def real(path: Path) -> None:
    encode(path, "-c:v", "rv20", "-q:v", "2")


NOT_READ = {
    "tv.wtv": ("-c:v", "mpeg2video"),
    "flash.swf": ("-c:v", "flv"),
    "quake.roq": ("-c:v", "roqvideo", "-s", "128x128", "-r", "30"),
    "studio.gxf": ("-c:v", "mpeg2video", "-s", "720x576", "-pix_fmt", "yuv420p"),
}
for name, how in NOT_READ.items():
    case(name, Refused("cannot be opened as a video"))(lambda path, how=how: encode(path, *how))
case("player.amv", Refused("no video"))(lambda path: path.write_bytes(b"RIFF\0\0\0\0AMV LIST" * 30))


@cases("no_index.mp4", Refused("incomplete download or recording"), ("",))
def no_index(path: Path) -> None:
    """As a camera leaves it whose battery has died."""
    encode(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])


case("script.ts", Refused("cannot be opened as a video"))(
    lambda path: path.write_text("export const a: number = 1;\n" * 40)
)
case("film.mp4.icloud", Refused("cannot be opened as a video"))(lambda path: path.write_bytes(b"bplist00" + bytes(200)))
case("clip.url", Refused(""))(lambda path: path.write_text("[InternetShortcut]\nURL=http://127.0.0.1/clip.mp4\n"))
case("file:clip.mp4", HEARD, name="name file:clip.mp4")(lambda path: with_sound(path, *AAC, "-f", "mp4"))
case("hi444.mp4", Film())(lambda path: encode(path, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p"))
case("mjpeg.mov", HEARD)(
    lambda path: with_sound(path, "-c:a", "pcm_u8", video=("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p"))
)
case("yuv440.mkv", Film())(lambda path: encode(path, "-c:v", "ffv1", "-pix_fmt", "yuv440p"))
case("monochrome_av1.mkv", Film(colours=grey_of(), fidelity=30))(
    lambda path: encode(
        path, "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "10", "-pix_fmt", "gray", shown=pictures(24)
    )
)


@case("hlg.webm", Film(fidelity=16, shows=ALL[:4]))
def hlg_vp9(path: Path) -> None:
    """HDR as YouTube has it."""
    shown = [np.rint(65535 * hlg(linear(image))).astype("<u2") for image in pictures(4)]
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "160x96", "-r", "25", "-i", "pipe:0")
    tags = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-color_range", "tv")
    how = (
        "-vf",
        "scale=out_color_matrix=bt2020nc:out_range=tv,format=yuv420p10le",
        "-c:v",
        "libvpx-vp9",
        "-profile:v",
        "2",
    )
    run(*raw, *how, "-crf", "10", "-b:v", "0", *tags, url(path), data=b"".join(image.tobytes() for image in shown))
