"""Files with more in them than a still, of kinds that are not read, damaged, or films of which one picture is taken."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from odd.case import Refused, Still
from odd.making import encode, with_sound
from odd.picture import picture
from odd.stills import shown, still


@still("motion_photo.jpg", fidelity=33)
def motion_photo(path: Path) -> None:
    """A JPEG with a video behind it, as phones store moving photos."""
    shown().save(path, quality=95)
    with_sound(path.with_name("v.mp4"))
    path.write_bytes(path.read_bytes() + path.with_name("v.mp4").read_bytes())


@still("stereo.mpo", fidelity=33)
def mpo(path: Path) -> None:
    shown().save(path, "MPO", save_all=True, append_images=[Image.fromarray(picture(9))], quality=95)


@still("scan.tif")
def scan_with_preview(path: Path) -> None:
    preview = shown().resize((40, 24))
    preview.encoderinfo = {"tiffinfo": {254: 1}}
    shown().save(path, save_all=True, append_images=[preview])


@still("photoshop.tif")
def layers(path: Path) -> None:
    """Layers of an editor in a private tag."""
    tags = ImageFileDirectory_v2()
    tags[37724] = b"Adobe Photoshop Document Data Block\0" + bytes(5000)
    tags.tagtype[37724] = 7
    shown().save(path, tiffinfo=tags)


@still("pages.tif", Still(0), name="first of pages.tif")
def first_page(path: Path) -> None:
    Image.fromarray(picture(0)).save(path, save_all=True, append_images=[shown()])


@still("camera.dng", Refused("raw"))
def raw_photo(path: Path) -> None:
    """A raw photo: its first page is a small preview, the photo itself is in a sub-directory."""
    small = np.array(shown().resize((40, 24))).tobytes()
    mosaic = np.array(shown().convert("L")).tobytes()

    def directory(at: int, tags: dict[int, tuple[int, int, int]]) -> bytes:
        entries = b"".join(struct.pack("<HHII", tag, *tags[tag]) for tag in sorted(tags))
        return struct.pack("<H", len(tags)) + entries + bytes(4)

    sub_at = 8 + 2 + 12 * 13 + 4
    bits_at = sub_at + 2 + 12 * 10 + 4
    small_at = bits_at + 8
    mosaic_at = small_at + len(small)
    first = {
        254: (4, 1, 1),
        256: (4, 1, 40),
        257: (4, 1, 24),
        258: (3, 3, bits_at),
        259: (3, 1, 1),
        262: (3, 1, 2),
        273: (4, 1, small_at),
        274: (3, 1, 1),
        277: (3, 1, 3),
        278: (4, 1, 24),
        279: (4, 1, len(small)),
        330: (4, 1, sub_at),
        50706: (1, 4, 0x00000401),
    }
    sub = {
        254: (4, 1, 0),
        256: (4, 1, 160),
        257: (4, 1, 96),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 32803),
        273: (4, 1, mosaic_at),
        277: (3, 1, 1),
        278: (4, 1, 96),
        279: (4, 1, len(mosaic)),
    }
    bits = struct.pack("<4H", 8, 8, 8, 0)
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8) + directory(8, first) + directory(sub_at, sub) + bits + small + mosaic
    )


OTHERS = {
    "photo.psd": b"8BPS\0\1" + bytes(60),
    "page.pdf": b"%PDF-1.7\n" + bytes(400),
    "drawing.svg": b"<svg xmlns=''></svg>",
    "film.exr": b"v/1\x01" + bytes(300),
    "a.jxl": b"\xff\x0a" + bytes(200),
    "word.docx": b"PK\3\4" + bytes(500),
}
for file, data in OTHERS.items():
    still(file, Refused("" if file.endswith(("pdf", "docx")) else "save it as PNG"))(
        lambda path, data=data: path.write_bytes(data)
    )
for file in (
    "photo.jp2",
    "photo.jxl",
    "photo.tga",
    "photo.ppm",
    "photo.ico",
    "photo.icns",
    "photo.dds",
    "photo.sgi",
    "photo.pcx",
    "photo.qoi",
):

    @still(file, Refused("save it as PNG"))
    def of_another_kind(path: Path) -> None:
        """Kinds that are not read: refused in one line."""
        if path.suffix in (".jp2", ".jxl", ".qoi"):
            encode(path, "-frames:v", "1", *(("-c:v", "libopenjpeg") if path.suffix == ".jp2" else ()))
        else:
            shown().resize((64, 64)).save(path)


# Broken


@still("cut.jpg", Refused("damaged"))
def cut_jpeg(path: Path) -> None:
    shown().save(path, quality=95)
    path.write_bytes(path.read_bytes()[:-1500])


@still("cut.png", Refused("damaged"))
def cut_png(path: Path) -> None:
    shown().save(path, compress_level=0)
    path.write_bytes(path.read_bytes()[:-1500])


@still("cut.heic", Refused("damaged"))
def cut_heic(path: Path) -> None:
    shown().save(path, quality=95)
    path.write_bytes(path.read_bytes()[:-600])


@still("png_called.jpg")
def wrong_suffix(path: Path) -> None:
    """A PNG with the name of a JPEG, as web sites deliver them."""
    shown().save(path, "PNG")


@still("no_suffix")
def no_suffix(path: Path) -> None:
    shown().save(path, "PNG")


@still("bomb.png", Refused("at most"))
def bomb(path: Path) -> None:
    """A few kB that would be decoded to gigabytes."""
    data = io.BytesIO()
    shown().save(data, "PNG")
    raw = bytearray(data.getvalue())
    raw[16:24] = struct.pack(">II", 60000, 60000)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    path.write_bytes(bytes(raw))


@still("clip.mp4", Still(0, fidelity=34), name="first of clip.mp4")
def first_of_a_film(path: Path) -> None:
    encode(path)


@still("moving.gif", Still(0, fidelity=28), name="first of moving.gif")
def first_of_a_gif(path: Path) -> None:
    encode(path, "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse")


@still("moving.avif", Still(0, fidelity=30), name="first of moving.avif")
def first_of_an_avif(path: Path) -> None:
    images = [Image.fromarray(picture(number)) for number in range(4)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=40)
