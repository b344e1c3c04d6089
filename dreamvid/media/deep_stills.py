"""Stills of more than 8 bits a channel: decoded with OpenCV and rounded, since Pillow would cut bits off."""

from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media import opencv


def decode(image: Image.Image, file: BinaryIO) -> Pixels:
    """Decode the current page of an image that Pillow has opened from `file`: RGB or RGBA, in the colours stored."""
    cv2 = opencv.load()
    file.seek(0)
    raw = np.frombuffer(file.read(), np.uint8)
    alpha = image.has_transparency_data
    plain = alpha or image.mode == "F"  # grey of floats is not read as colours
    how = cv2.IMREAD_UNCHANGED if plain else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    page = image.tell()
    try:
        found = cv2.imdecodemulti(raw, how, range=(page, page + 1))[1] if page else [cv2.imdecode(raw, how)]
    except cv2.error as error:
        raise SourceError(f"is not a readable image ({error.err})") from None
    if not found or found[0] is None:
        raise SourceError("is damaged, or not a readable image")
    eight = _to_eight_bits(found[0])
    if _tag(image, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:  # white is 0, which OpenCV heeds at 8 bits only
        eight = 255 - eight
    if eight.ndim == 2:
        eight = np.repeat(eight[:, :, None], 3, axis=2)
        if alpha:  # of a PNG, which says which grey is clear
            opaque = found[0] != image.info.get("transparency")
            eight = np.dstack([eight, np.uint8(255) * opaque])
    if alpha and eight.shape[2] == 4 and _tag(image, TiffImagePlugin.EXTRASAMPLES) == (1,):  # over black already
        eight = eight[:, :, :3]
    return np.ascontiguousarray(eight[:, :, [2, 1, 0, 3][: eight.shape[2]]])


def _tag(image: Image.Image, number: int) -> Any:
    """Return what a TIFF says under a tag; None where it says nothing, or the file is of another kind."""
    return image.tag_v2.get(number) if isinstance(image, TiffImagePlugin.TiffImageFile) else None


def _to_eight_bits(image: npt.NDArray[np.generic]) -> Pixels:
    if image.dtype == np.uint16:
        return ((image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if image.dtype != np.uint8:
        values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return image.astype(np.uint8, copy=False)
