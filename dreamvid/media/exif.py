"""EXIF orientation of PNG and WebP: OpenCV does not apply it where it keeps alpha."""

import struct

import numpy as np
import numpy.typing as npt


def upright(image: npt.NDArray[np.generic], data: bytes) -> npt.NDArray[np.generic]:
    """Rotate and mirror an image as the EXIF orientation in `data`, the bytes of its file, says."""
    orientation = _orientation(_block(data))
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def _block(data: bytes) -> bytes:
    """Return the EXIF chunk of a PNG or a WebP; empty where there is none."""
    png = data.startswith(b"\x89PNG")
    if not png and data[:4] != b"RIFF":
        return b""
    at = 8 if png else 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big") if png else int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 8].endswith(b"eXIf") or data[at : at + 4] == b"EXIF":
            return data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 8 + length + (4 if png else length % 2)
    return b""


def _orientation(tiff: bytes) -> int:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    for at in range(first + 2, len(tiff) - 11, 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, at)
        if tag == 0x0112:
            return int(value) if kind == 3 and 1 <= value <= 8 else 1
        if tag > 0x0112:  # tags are in rising order
            break
    return 1
