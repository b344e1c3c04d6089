"""The text in a still: the description in its EXIF block, the comment of a GIF; what a camera wrote beside it."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, TiffImagePlugin

from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media.stills import guarded, opened

_NAMES = ExifTags.Base
CAMERA = {
    "camera": (_NAMES.Make, _NAMES.Model),
    "date": (_NAMES.DateTimeOriginal, _NAMES.DateTime),
    "place": (_NAMES.GPSInfo,),
    "author": (_NAMES.Artist,),
    "copyright": (_NAMES.Copyright,),
}


def description(file: BinaryIO) -> str:
    """Return the text in the EXIF block of a picture, or the comment of a GIF; empty where it has none.

    Raises SourceError, without a name, where the picture is damaged.
    """
    image = opened(file).image
    with guarded():
        raw = image.info.get("comment", b"")
        found = raw if image.format == "GIF" else image.getexif().get(ExifTags.Base.ImageDescription, "")
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def of_camera(path: Path) -> list[str]:
    """Return in words what a still says of how it was taken, in its EXIF block; none where it cannot be read."""
    with suppress(OSError, SourceError), path.open("rb") as file:
        image = opened(file).image
        with guarded():
            block = image.getexif()
            found = {**block, **block.get_ifd(ExifTags.IFD.Exif)}
        return [word for word, tags in CAMERA.items() if any(found.get(tag) for tag in tags)]
    return []


def exif(text: str) -> bytes:
    """Return an EXIF block that holds an ASCII text as the description of the picture."""
    block = Image.Exif()
    block[ExifTags.Base.ImageDescription] = text
    return block.tobytes().removeprefix(b"Exif\0\0")


def tiff(pixels: Pixels, text: str) -> bytes:
    """Encode RGB pixels as a TIFF without loss, with an ASCII text as its description if that is not empty."""
    data, tags = BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    tags[ExifTags.Base.Predictor] = 2  # differences of neighbours
    if text:
        tags[ExifTags.Base.ImageDescription] = text
    Image.fromarray(pixels).save(data, "TIFF", compression="tiff_lzw", tiffinfo=tags)
    return data.getvalue()
