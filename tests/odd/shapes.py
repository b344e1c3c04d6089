"""Films that are rotated, mirrored, odd-sized, not square, cropped, interlaced or telecined."""

from pathlib import Path

import numpy as np
from media.clips import run

from odd.case import Film, Refused, case, cases
from odd.making import X264, encode, pictures, url, with_sound
from odd.picture import COUNT, HEIGHT, WIDTH, Pixels, picture

TURNED = {  # options that say how a player turns the picture -> how it is stored
    "turned_90": (("-display_rotation", "90"), lambda image: np.rot90(image, -1)),
    "turned_180": (("-display_rotation", "180"), lambda image: np.rot90(image, 2)),
    "turned_270": (("-display_rotation", "270"), lambda image: np.rot90(image, 1)),
    "mirrored": (("-display_hflip",), lambda image: image[:, ::-1]),
    "upside_down": (("-display_vflip",), lambda image: image[::-1]),
    "turned_and_mirrored": (("-display_rotation", "90", "-display_hflip"), lambda image: np.rot90(image[:, ::-1], -1)),
}


def turned(path: Path, how: tuple[str, ...], store, suffix: str = ".mp4") -> None:
    plain = path.with_name(f"plain{suffix}")
    with_sound(plain, shown=[np.ascontiguousarray(store(image)) for image in pictures()])
    run(*how, "-i", url(plain), "-c", "copy", url(path))


for name, (how, store) in TURNED.items():
    cases(f"{name}.mp4", Film(sound=1), ("", "film.mp4") if "90" in name else ("",))(
        lambda path, how=how, store=store: turned(path, how, store)
    )
case("turned_90.mkv", Film(sound=1))(lambda path: turned(path, *TURNED["turned_90"], ".mkv"))
case("turned_90.mp4", Film(size=(80, 48), sound=1), "--size", "80x", name="turned_90.mp4 to 80x")(
    lambda path: turned(path, *TURNED["turned_90"])
)


def sized(width: int, height: int) -> list[Pixels]:
    return [picture(number, height, width) for number in range(COUNT)]


ODD = (161, 97)
for name, how in {
    "odd_444.mp4": ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv444p"),
    "odd_420.mkv": ("-c:v", "ffv1", "-pix_fmt", "yuv420p"),
    "odd_vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-crf", "10", "-b:v", "0"),
    "odd_rgb.avi": ("-c:v", "rawvideo", "-pix_fmt", "bgr24"),
}.items():
    case(name, Film(size=ODD, fidelity=30))(lambda path, how=how: encode(path, *how, shown=sized(*ODD)))
case("odd_444.mp4", Film(size=(162, 98), said="padded"), output="film.mp4")(
    lambda path: encode(path, "-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv444p", shown=sized(*ODD))
)
case("odd.gif", Film(size=ODD, fidelity=24), output="film.gif")(
    lambda path: encode(path, "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", shown=sized(*ODD))
)
case("narrow.mp4", Film(size=(64, 256)))(lambda path: encode(path, shown=sized(64, 256)))
case("wide.mp4", Film(size=(640, 16), fidelity=30))(lambda path: encode(path, shown=sized(640, 16)))
case("tiny.mkv", Refused("--size", code=2))(lambda path: encode(path, *("-c:v", "ffv1"), shown=sized(8, 8)))
case("low.mkv", Refused("--size 1024x", code=2))(lambda path: encode(path, *("-c:v", "ffv1"), shown=sized(64, 1)))
case("tiny.mkv", Film(size=(64, 64), fidelity=20), "--size", "64x", name="tiny.mkv to 64x")(
    lambda path: encode(path, "-c:v", "ffv1", shown=sized(32, 32))
)
for name, sar, options, size, kept in (
    ("anamorphic.mp4", "4/3", (), (WIDTH, HEIGHT), "4/3"),
    ("anamorphic_sized.mp4", "2", ("--size", "160x"), (160, 48), "1"),
):
    case(name, Film(sar=kept, size=size), *options)(lambda path, sar=sar: encode(path, *X264, "-vf", f"setsar={sar}"))


@case("anamorphic.vob", Film(shows=(0, 1, 2, 3), size=(720, 576), sar="64/45"))
def anamorphic_dvd(path: Path) -> None:
    encode(path, "-c:v", "mpeg2video", "-q:v", "2", "-aspect", "16:9", shown=sized(720, 576)[:4])


@case("cropped_in_codec.mp4", Film(size=(WIDTH, 90)))
def cropped_in_codec(path: Path) -> None:
    """1088 rows with 8 cropped, as every camera of 1080 rows has it."""
    encode(path, shown=sized(WIDTH, 90))


@case("cropped.mkv", Film(sar="1/2"))
def cropped_in_container(path: Path) -> None:
    """PixelCropTop and PixelCropBottom of 4 rows each, in place of two elements of 1 byte."""
    shown = [np.pad(image, ((4, 4), (0, 0), (0, 0))) for image in pictures()]
    encode(path, *X264, "-vf", "setsar=1/2", shown=shown)
    data = path.read_bytes()
    display = data.index(b"\x54\xb0\x81")
    found = bytearray(data)
    found[display : display + 4] = b"\x54\xbb\x81\x04"
    display = data.index(b"\x54\xba\x81")
    found[display : display + 4] = b"\x54\xaa\x81\x04"
    path.write_bytes(bytes(found))


# Interlaced


def woven(top_first: bool = True) -> list[Pixels]:
    """Frames of two pictures each, one in the even rows and the next in the odd ones, or the other way round."""
    found = []
    for number in range(0, 2 * COUNT, 2):
        first, second = picture(number), picture(number + 1)
        image = first.copy()
        image[1::2] = second[1::2]
        if not top_first:
            image = second.copy()
            image[1::2] = first[1::2]
        found.append(image)
    return found


EVERY_SECOND = tuple(range(0, 2 * COUNT, 2))
FIELDS = {
    "tff.mp4": (True, ("-vf", "setfield=tff", *X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1")),
    "bff.mp4": (False, ("-vf", "setfield=bff", *X264, "-flags", "+ilme+ildct", "-x264-params", "bff=1")),
    "tff.mpg": (True, ("-vf", "setfield=tff", "-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct")),
    "tff.mov": (
        True,
        (
            "-vf",
            "setfield=tff",
            "-c:v",
            "prores_ks",
            "-pix_fmt",
            "yuv422p10le",
            "-flags",
            "+ilme+ildct",
            "-field_order",
            "tt",
        ),
    ),
    "bff_dv.avi": (
        False,
        ("-vf", "setfield=bff", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-flags", "+ildct", "-field_order", "bb"),
    ),
    "tff.ts": (True, ("-vf", "setfield=tff", *X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1")),
}
for name, (top, how) in FIELDS.items():
    case(name, Film(shows=EVERY_SECOND, fidelity=32))(
        lambda path, how=how, top=top: encode(path, *how, shown=woven(top))
    )


@case("flagged_progressive.mp4", Film())
def segmented(path: Path) -> None:
    """Progressive pictures stored as interlaced ones (PsF), as camcorders of 25p do: nothing may be lost of them."""
    encode(path, "-vf", "setfield=tff", *X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1")


TWO_THREE = tuple(4 * (number // 5) + (0, 1, 1, 2, 3)[number % 5] for number in range(30))


@case("hard_telecine.mpg", Film(rate="30000/1001", shows=TWO_THREE, fidelity=32))
def hard_telecine(path: Path) -> None:
    """24 pictures a second woven into 30 frames, the way NTSC tapes have it: the first field of each is shown."""
    encode(
        path,
        "-vf",
        "telecine=pattern=23,setfield=tff",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        "-flags",
        "+ilme+ildct",
        rate="24000/1001",
    )


THREE_TWO = tuple(number for number in range(COUNT) for _ in range(2 + (number + 1) % 2))  # fields


@case("soft_telecine.mpg", Film(rate="60000/1001", shows=THREE_TWO))
def soft_telecine(path: Path) -> None:
    """24 pictures a second with flags that let a player repeat fields, as film DVDs have it."""
    raw = path.with_name("raw.m2v")
    encode(raw, "-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", rate="30000/1001")
    data, at, number = bytearray(raw.read_bytes()), 0, 0
    while (at := data.find(b"\0\0\1\xb5", at)) >= 0:
        kind = data[at + 4] >> 4
        if kind == 1:  # of a sequence: not progressive
            data[at + 5] &= ~0x08
        elif kind == 8:  # of a picture: top field first and repeat first field, in turn
            top, repeat = ((1, 1), (0, 0), (0, 1), (1, 0))[number % 4]
            data[at + 7] = (data[at + 7] & ~0x82) | top << 7 | repeat << 1
            number += 1
        at += 4
    raw.write_bytes(bytes(data))
    run("-i", url(raw), "-c", "copy", url(path))
