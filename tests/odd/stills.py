"""Stills, as phones, scanners, programs and the web make them, dreamed by `dreamvid image`."""

from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from PIL import Image

from odd.case import Still, case
from odd.picture import BLACK_AND_WHITE, COLOURS, Colours, grey_of, picture

pillow_heif.register_heif_opener()
GREY = grey_of()
ONE = picture(1)


def still(file: str, expected=None, name: str = "", fidelity: float = 40.0, colours: Colours | None = None):
    return case(
        file, expected or Still(fidelity=fidelity, colours=colours), name=f"still {name or file}", command="image"
    )


def shown() -> Image.Image:
    return Image.fromarray(ONE)


PLAIN = {
    "plain.png": {},
    "plain.jpg": {"quality": 95, "subsampling": 0},
    "progressive.jpg": {"quality": 95, "progressive": True},
    "small_chroma.jpg": {"quality": 95, "subsampling": 2},
    "restarts.jpg": {"quality": 95, "restart_marker_rows": 1},
    "plain.bmp": {},
    "plain.webp": {"quality": 95},
    "lossless.webp": {"lossless": True},
    "plain.avif": {"quality": 95},
    "422.avif": {"quality": 95, "subsampling": "4:2:2"},
    "plain.heic": {"quality": 95},
    "raw.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "deflate.tif": {"compression": "tiff_adobe_deflate"},
    "packbits.tif": {"compression": "packbits"},
    "jpeg.tif": {"compression": "jpeg", "quality": 95},
    "big.tif": {"big_tiff": True},
}
for file, how in PLAIN.items():
    still(file, fidelity=33.0)(lambda path, how=how: shown().save(path, **how))

# Which way up: the picture as it is stored, for each orientation of EXIF.
STORED = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image, -1),
}


def turned(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](ONE)))
    image.save(path, exif=exif, **({"quality": 95} if path.suffix in (".jpg", ".webp", ".avif", ".heic") else {}))


for orientation in STORED:
    still(f"turned_{orientation}.jpg", fidelity=33.0)(lambda path, orientation=orientation: turned(path, orientation))
for suffix in ("png", "webp", "tif", "avif"):
    still(f"turned_6.{suffix}", fidelity=33.0)(lambda path: turned(path, 6))

# Modes


def as_array(path: Path, image: np.ndarray) -> None:
    done, data = cv2.imencode(path.suffix, image)
    assert done
    path.write_bytes(data.tobytes())


DEEP = ONE[:, :, ::-1].astype(np.uint16) * 257
still("deep.png")(lambda path: as_array(path, DEEP))
still("deep_grey.png", colours=GREY)(
    lambda path: as_array(path, np.array(shown().convert("L")).astype(np.uint16) * 257)
)
still("deep.tif")(lambda path: as_array(path, DEEP))
still("float.tif")(lambda path: as_array(path, ONE[:, :, ::-1].astype(np.float32) / 255))
for mode, suffix in (
    ("L", "png"),
    ("LA", "png"),
    ("L", "jpg"),
    ("L", "tif"),
    ("L", "bmp"),
    ("L", "webp"),
    ("L", "avif"),
    ("L", "heic"),
):
    still(f"{mode}.{suffix}", fidelity=33, colours=GREY)(
        lambda path, mode=mode: (
            shown().convert(mode).convert("RGB" if path.suffix in (".webp", ".avif") else mode).save(path)
        )
    )
still("palette.png", fidelity=30)(lambda path: shown().quantize(32).save(path))
still("palette.bmp", fidelity=30)(lambda path: shown().quantize(32).save(path))
still("palette.tif", fidelity=30)(lambda path: shown().quantize(32).save(path))
for suffix in ("png", "tif", "bmp"):
    still(f"one_bit.{suffix}", colours=BLACK_AND_WHITE)(
        lambda path: Image.fromarray(picture(1, colours=BLACK_AND_WHITE)).convert("1").save(path)
    )
for compression in ("group4", "group3"):
    still(f"fax_{compression}.tif", colours=BLACK_AND_WHITE)(
        lambda path, compression=compression: (
            Image.fromarray(picture(1, colours=BLACK_AND_WHITE)).convert("1").save(path, compression=compression)
        )
    )


def half_clear(alpha: int = 128) -> Image.Image:
    image = shown().convert("RGBA")
    opacity = np.full((96, 160), 255, np.uint8)
    opacity[32:80] = alpha
    image.putalpha(Image.fromarray(opacity))
    return image


HALVED: Colours = {
    name: (round(r * 128 / 255), round(g * 128 / 255), round(b * 128 / 255)) for name, (r, g, b) in COLOURS.items()
}
for suffix in ("png", "webp", "tif", "avif", "heic"):
    still(f"alpha.{suffix}", colours=HALVED, fidelity=33)(
        lambda path: half_clear().save(path, **({"quality": 95} if path.suffix in (".webp", ".avif", ".heic") else {}))
    )


@still("alpha_16.png", colours=HALVED)
def deep_alpha(path: Path) -> None:
    as_array(path, np.array(half_clear())[:, :, [2, 1, 0, 3]].astype(np.uint16) * 257)


@still("key.png", colours={**COLOURS, "grey": (0, 0, 0)})
def key(path: Path) -> None:
    """One colour is transparent."""
    shown().save(path, transparency=COLOURS["grey"])
