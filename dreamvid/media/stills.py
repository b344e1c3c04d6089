"""Files of one picture or several: the header is checked first, then each is decoded to upright 8-bit RGB."""

import os
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from dreamvid.core.errors import SourceError, ToolError
from dreamvid.core.framing import MAX_SIDE
from dreamvid.core.types import Pixels
from dreamvid.media import deep_stills, told_colours
from dreamvid.media.colours import in_srgb
from dreamvid.media.timeline import seconds_in_browsers

KINDS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEAD = 1 << 16  # bytes in which AVIF and HEIC describe their picture
MAX_BYTES = 620_000_000  # of one decoded picture: read, it takes about three times that, and stays below 2 GB
MAX_PAGES = 4096  # of a TIFF, whose headers are read one by one
MAX_FRAMES = 1_000_000
STRIP = 512  # rows that are converted at once

_ISPE = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
_PIXI = re.compile(rb"pixi....[\x01-\x04]([\x09-\x10])", re.DOTALL)  # bits of the first channel
_REDUCED, _MASK = 1, 4  # of TIFF's NewSubfileType: a smaller copy of another page, a mask of one
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how they begin; the last two: those that may be over 4 GB
_SUB_DIRECTORIES = 330  # TIFF's tag of further pictures, which are no pages
_FLOATS = "float"
_UNPACKED = {"L;2": 85, "L;4": 17}  # by how much Pillow multiplies greys of few bits

Image.MAX_IMAGE_PIXELS = None  # `_check` bounds a picture with our own limits
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY  # one large XMP block or workflow is no attack
for _order, _bits in product((b"II", b"MM"), (32, 64)):  # floats, which OpenCV decodes: Pillow only reads the header
    TiffImagePlugin.OPEN_INFO[_order, 1, (3,), 1, (_bits,), ()] = "F", _FLOATS
    for _samples, _extra in ((3, ()), (4, ()), (4, (0,)), (4, (1,)), (4, (2,))):
        for _kind in ((3,), (3,) * _samples):  # as Pillow before 12 has it, too
            _key: Any = (_order, 2, _kind, 1, (_bits,) * _samples, _extra)
            TiffImagePlugin.OPEN_INFO[_key] = "RGB" if _samples == 3 else "RGBA", _FLOATS


@dataclass(frozen=True)
class Still:
    """An open file of pictures, of which nothing is decoded yet; it reads from `file` as long as it is used.

    `pages`: numbers of its frames that are pictures of their own, not previews or masks.
    `deep`: more than 8 bits a channel; `hdr`: its light is coded for HDR, which ffmpeg brings to SDR.
    `told`: profile of the colours of pages that have none; None: sRGB.
    """

    file: BinaryIO
    image: Image.Image
    pages: Sequence[int]
    deep: bool
    hdr: bool
    told: bytes | None

    def pixels(self, number: int = 0) -> Pixels:
        """Decode one of `pages` to upright RGB, with alpha blended over black; raise SourceError where it is damaged.

        Numbers that rise are read fastest.
        """
        page = self.pages[number]
        with guarded():
            self.image.seek(page)
            _check(self.image)
            if self.image.format != "TIFF":
                return _upright(self.image, self.file, self.told)
            with _without_libtiffs_lines():
                return _upright(self.image, self.file, self.told)

    @property
    def duration(self) -> Fraction:
        """Seconds for which the page that was decoded last is shown; 0: the file has no times."""
        if self.image.format == "TIFF":
            return Fraction(0)
        return seconds_in_browsers(Fraction(self.image.info.get("duration", 0)).limit_denominator(1000) / 1000)


def is_picture(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is of a kind that is opened here, animated ones too."""
    Image.init()
    return _is_heic(head) or any(Image.OPEN[kind][1](head) is True for kind in KINDS)  # type: ignore[misc]


class DamagedError(SourceError):
    """The bytes of a picture are not whole."""


def opened(file: BinaryIO) -> Still:
    """Open a file of pictures by its header; raise SourceError, without a name, where it is damaged or too large."""
    with guarded():
        head = file.read(HEAD)
        file.seek(0)
        if head[4:8] == b"ftyp":  # the decoders have limits that they do not tell
            for size in _ISPE.finditer(head):
                _check_sides(*struct.unpack(">2I", size[1]))
        kinds: tuple[str, ...] = KINDS
        if _is_heic(head):
            _load_heif()
            kinds = ("HEIF",)
        image = _identified(file, head, kinds)
        _check(image)
        if image.format == "PNG":  # the checksums, since a decoder does not compare those of the pixels
            image.verify()
            file.seek(0)
            image = Image.open(file, formats=kinds)
            _unpack_clear_grey(image)
        in_box = _PIXI.search(head) if image.format in ("AVIF", "HEIF") else None
        deep = in_box is not None or _bytes_of_a_sample(image) > 1
        hdr = told_colours.is_hdr(image, head)
        if hdr and (image.format != "AVIF" or b"grid" in head):  # which ffmpeg would not read, or not whole
            raise SourceError("is an HDR picture: save it as SDR first, as JPEG or PNG")
        return Still(file, image, _pages(image), deep, hdr, told_colours.profile(image, head))


def decode(data: bytes) -> Pixels:
    """Decode the first picture of a file's bytes to upright RGB; raise SourceError, without a name, where it cannot be.

    EXIF orientation is applied, colours become sRGB, 16 bits and floats are rounded, alpha is
    blended over black.
    """
    return opened(BytesIO(data)).pixels()


def _identified(file: BinaryIO, head: bytes, kinds: tuple[str, ...]) -> Image.Image:
    try:
        return Image.open(file, formats=kinds)
    except UnidentifiedImageError:
        if not head.startswith(_TIFFS):
            raise
        kind = "a kind of TIFF that is not read, such as grey of 16 bits with alpha"
        raise DamagedError(f"is damaged, or {kind}: save it as PNG") from None


def _unpack_clear_grey(image: Image.Image) -> None:
    """Multiply the grey that a PNG says to be clear as Pillow multiplies its greys."""
    if "transparency" in image.info:
        image.info["transparency"] *= _UNPACKED.get(_stored(image), 1)


@contextmanager
def guarded() -> Iterator[None]:
    """Silence the warnings of Pillow, and raise SourceError in place of what its decoders raise for damaged bytes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (SourceError, ToolError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise DamagedError("is damaged, or not a readable image") from None
    except Exception:  # of any class: decoders rely on what the bytes say
        raise DamagedError("is damaged or incomplete") from None


@contextmanager
def _without_libtiffs_lines() -> Iterator[None]:
    """Keep libtiff from writing about damage on standard error, for which Pillow has no switch."""
    with Path(os.devnull).open("wb") as sink:
        kept = os.dup(2)
        try:
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _is_heic(head: bytes) -> bool:
    brands = head[8 : int.from_bytes(head[:4], "big")]
    return head[4:8] == b"ftyp" and any(brands[at : at + 4] in HEIC for at in range(0, min(len(brands), 256), 4))


def _load_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise SourceError(
            "is a HEIC picture: `pip install pillow-heif` to read it, or save it as JPEG or PNG"
        ) from None
    register_heif_opener()


def _check(image: Image.Image) -> None:
    """Raise SourceError where a picture is too large to be decoded, by its header alone."""
    width, height = image.size
    _check_sides(width, height)
    sample = _bytes_of_a_sample(image)
    size = width * height * (4 if image.has_transparency_data else 3) * sample
    if size > MAX_BYTES:
        raise SourceError(
            f"is {width}x{height} at {8 * sample} bits, {size / 1e9:.1f} GB decoded: at most {MAX_BYTES / 1e9:.1f} GB "
            f"are read, so scale it down{', or save it with 8 bits' if sample > 1 else ''}"
        )


def _check_sides(width: int, height: int) -> None:
    if max(height, width) > MAX_SIDE:
        raise SourceError(f"is {width}x{height}: a side may have at most {MAX_SIDE} pixels, so scale it down first")


def _bytes_of_a_sample(image: Image.Image) -> int:
    if image.mode == "I":
        raise SourceError("holds whole numbers of more than 16 bits: save it with 8 or 16 bits, or with floats")
    stored = _stored(image)
    if image.mode == "F" or _FLOATS in stored:
        return 4
    return 2 if image.mode.startswith("I;") or ";16" in stored else 1


def _stored(image: Image.Image) -> str:
    """Return how the samples of an image that is not decoded yet are stored, in Pillow's words."""
    tiles = getattr(image, "tile", ())
    return str(tiles[0].args) if tiles else ""


def _pages(image: Image.Image) -> Sequence[int]:
    if image.format in ("JPEG", "MPO", "HEIF"):  # a camera's previews, depths and gain maps come after the picture
        return (image.tell(),)
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        count = getattr(image, "n_frames", 1)
        if count > MAX_FRAMES:
            raise SourceError(f"says that it holds {count} pictures: at most {MAX_FRAMES} are read")
        return range(1 if image.info.get("default_image") else 0, count)
    found: list[int] = []
    for number in range(MAX_PAGES + 1):
        try:
            image.seek(number)
        except EOFError:
            image.seek(0)
            if not found and _SUB_DIRECTORIES in image.tag_v2:
                raise SourceError(
                    "holds only a small copy of its picture, as raw photos do: develop it to JPEG, PNG or TIFF first"
                ) from None
            return found or [0]
        if not int(image.tag_v2.get(254, 0)) & (_REDUCED | _MASK):
            found.append(number)
    raise SourceError(f"has more than {MAX_PAGES} pages, the most that are read: split it into files")


def _upright(image: Image.Image, file: BinaryIO, told: bytes | None) -> Pixels:
    """Decode the current page of an image."""
    profile = image.info.get("icc_profile") or told
    if _bytes_of_a_sample(image) > 1 and image.mode != "CMYK":  # inks, which only Pillow reads
        still = Image.fromarray(deep_stills.decode(image, file))
    else:
        image.load()
        still = image
    alpha = None
    if still.has_transparency_data and image.format != "BMP":  # whose fourth byte is often left 0, and viewers ignore
        still = still.convert("RGBA")
        alpha = still.getchannel("A")
    coloured = in_srgb(still, profile, grey=image.mode[0] in "1L" or image.mode.startswith("I;"))
    if alpha is not None:
        coloured = Image.composite(coloured, Image.new("RGB", coloured.size), alpha)
    if image.format != "TIFF" and (turned := _orientation(image)) != 1:  # Pillow and OpenCV turn a TIFF themselves
        coloured.getexif()[ExifTags.Base.Orientation] = turned
        coloured = ImageOps.exif_transpose(coloured)
    return _pixels(coloured)


def _pixels(image: Image.Image) -> Pixels:
    """Return an RGB image as an array, strip by strip: Pillow's own way would hold the largest ones in memory twice."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _orientation(image: Image.Image) -> int:
    """Return the orientation that the EXIF block of a picture has, 1 where it has none that can be read."""
    exif = Image.Exif()  # image.getexif() would take that of an XMP block as well, which no viewer does
    try:
        exif.load(image.info.get("exif") or b"")
        found = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # as viewers do: the picture itself may be whole
        return 1
    return found if found in range(1, 9) else 1
