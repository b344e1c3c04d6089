"""Rarer kinds of stills and animated pictures."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from odd.case import ALL, Film, Refused, Still, case
from odd.colours import linear, pq
from odd.making import encode, pictures, with_sound
from odd.picture import BLACK_AND_WHITE, picture
from odd.stills import GREY, ONE, as_array, shown, still

AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "8", "-pix_fmt", "yuv444p10le")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@still("hdr.png", Refused("HDR"))
def hdr_png(path: Path) -> None:
    """A screenshot of a display of HDR: PQ, told by a cICP chunk."""
    as_array(path, np.rint(65535 * pq(linear(ONE))).astype(np.uint16)[:, :, ::-1])
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk(b"cICP", bytes([9, 16, 0, 1])) + data[33:])


@still("adam7.png")
def adam7(path: Path) -> None:
    encode(path, "-frames:v", "1", "-c:v", "png", shown=[ONE])


@still("filler.png")
def much_text(path: Path) -> None:
    """A picture with the workflow that it was made by, of megabytes."""
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 3_000_000, zip=True)
    shown().save(path, pnginfo=info)


@still("rgb.jpg", fidelity=33)
def rgb_jpeg(path: Path) -> None:
    """A JPEG of red, green and blue, told by a marker of Adobe."""
    shown().save(path, quality=97, keep_rgb=True)


@still("without_end.jpg", Refused("incomplete"))
def without_end(path: Path) -> None:
    """The last two bytes are missing: nothing tells that it is no more than these."""
    shown().save(path, quality=95)
    path.write_bytes(path.read_bytes()[:-2])


@still("tail.jpg", fidelity=33)
def tail(path: Path) -> None:
    shown().save(path, quality=95)
    path.write_bytes(path.read_bytes() + bytes(5000))


@still("GOPR0001.THM", fidelity=33)
def thumbnail(path: Path) -> None:
    shown().save(path, "JPEG", quality=95)


@still("white_is_0.tif", colours=BLACK_AND_WHITE)
def white_is_zero(path: Path) -> None:
    image = Image.fromarray(picture(1, colours=BLACK_AND_WHITE)).convert("1")
    image.save(path, tiffinfo={262: 0})


@still("inks.tif", name="inks_alone.tif", fidelity=30)
def inks_alone(path: Path) -> None:
    shown().convert("CMYK").save(path)


@still("big_endian.tif")
def big_endian(path: Path) -> None:
    rows, data = struct.pack(">3H", 8, 8, 8), ONE.tobytes()
    tags = {256: 160, 257: 96, 259: 1, 262: 2, 277: 3, 278: 96, 279: len(data)}
    at = 8 + 2 + 12 * (len(tags) + 2) + 4
    tags |= {258: at, 273: at + 6}
    entries = b"".join(
        struct.pack(">HHII", tag, 3, 3, value) if tag == 258 else struct.pack(">HHII", tag, 4, 1, value)
        for tag, value in sorted(tags.items())
    )
    path.write_bytes(b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4) + rows + data)


@still("ycbcr.tif", fidelity=33)
def ycbcr(path: Path) -> None:
    shown().convert("YCbCr").save(path)


@still("deep_pages.tif", Still(1), name="deep and flat pages.tif")
def two_depths(path: Path) -> None:
    shown().save(path, save_all=True, append_images=[Image.fromarray(picture(2)).convert("L")])


@still("565.bmp", fidelity=30)
def bmp_565(path: Path) -> None:
    encode(path, "-frames:v", "1", "-pix_fmt", "rgb565le", shown=[ONE])


@still("rle.bmp", fidelity=30)
def bmp_rle(path: Path) -> None:
    """Run lengths, as old programs write them."""
    image = shown().quantize(16)
    rows = np.array(image)[::-1]
    packed = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in rows.tolist()) + b"\0\1"
    palette = b"".join(bytes([b, g, r, 0]) for r, g, b in np.array(image.getpalette()[:48]).reshape(-1, 3).tolist())
    palette = palette.ljust(64, b"\0")
    head = struct.pack("<IiiHHIIiiII", 40, 160, 96, 1, 8, 1, len(packed), 2835, 2835, 16, 0)
    offset = 14 + 40 + len(palette)
    path.write_bytes(b"BM" + struct.pack("<IHHI", offset + len(packed), 0, 0, offset) + head + palette + packed)


@still("ten_bits.avif", fidelity=30)
def avif_of_ten_bits(path: Path) -> None:
    encode(path, "-frames:v", "1", *AV1, shown=[ONE])


@still("grey_alpha_16.png", colours={name: (round(g * 128 / 255),) * 3 for name, (g, _, _) in GREY.items()})
def deep_grey_alpha(path: Path) -> None:
    """Grey and alpha of 16 bits each."""
    grey = np.array(shown().convert("L")).astype(">u2") * 257
    alpha = np.full(grey.shape, 65535, ">u2")
    alpha[32:80] = 128 * 257
    both = np.stack([grey, alpha], axis=-1).astype(">u2")
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in both))
    head = struct.pack(">IIBBBBB", 160, 96, 16, 4, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


@case("blend.png", Film(shows=ALL[:4]))
def blending(path: Path) -> None:
    """An animated PNG whose frames are laid over the ones before, and taken away again."""
    images = [Image.fromarray(image) for image in pictures(4)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=40, disposal=[0, 0, 0, 0], blend=1)


@case("loops_three_times.gif", Film(shows=ALL[:6], fidelity=28))
def loops(path: Path) -> None:
    images = [Image.fromarray(image).quantize(64) for image in pictures(6)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=40, loop=3, comment=b"made")


@case("small.gif", Film(shows=ALL[:3], size=(64, 64), fidelity=20), "--size", "64x")
def small_gif(path: Path) -> None:
    images = [Image.fromarray(picture(n, 32, 32)).quantize(64) for n in range(3)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=40)


@case("long_wait.gif", Film(shows=(0, 0, 0, 1), rate="1", fidelity=28))
def long_wait(path: Path) -> None:
    images = [Image.fromarray(image).quantize(64) for image in pictures(2)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=[3000, 1000])


@case("with_profile.webp", Film(shows=ALL[:4], fidelity=28))
def webp_with_profile(path: Path) -> None:
    """An animated WebP with a profile of sRGB and metadata."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    images = [Image.fromarray(image) for image in pictures(4)]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=40, quality=95, icc_profile=profile, xmp=b"<x/>"
    )


@case("motion_photo.jpg", Refused("dreamvid image"))
def motion_photo(path: Path) -> None:
    shown().save(path, quality=95)
    with_sound(path.with_name("v.mp4"))
    path.write_bytes(path.read_bytes() + path.with_name("v.mp4").read_bytes())
