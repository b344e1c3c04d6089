"""Stills and folders of stills: recognised, decoded to upright 8-bit RGB, encoded."""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dreamvid.core.errors import SettingsError, SourceError, ToolError
from dreamvid.core.framing import MAX_SIDE
from dreamvid.core.types import Pixels, SourceInfo
from dreamvid.media import exif, opencv

FOLDER_RATE = Fraction(25)
READ_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF"}

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SCAN, _JPEG_END = 0xDA, b"\xff\xd9"
_OTHERS = (b"BM", b"II*\x00", b"MM\x00*")


def short_name(path: Path, *, whole: bool = False) -> str:
    """Return a file's name (`whole`: its path) for messages: on one line, with unprintable characters as `?`."""
    return "".join(c if c.isprintable() else "?" for c in (str(path) if whole else path.name or str(path)))


def is_still(head: bytes) -> bool:
    """Return whether a file that begins with these 4096 bytes is a single picture; an animated PNG or WebP is not."""
    if head.startswith(_PNG):
        return b"acTL" not in head
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return not (head[12:16] == b"VP8X" and head[20] & 2)
    return head.startswith((_JPEG, *_OTHERS))


def decode(data: bytes) -> Pixels:
    """Decode a still to upright RGB: EXIF orientation applied, 16 bits and floats rounded, alpha blended over black.

    Raises SourceError, without a file name, where the bytes are damaged or no image.
    """
    if data.startswith(_PNG):
        _check_png(data)
    if data.startswith(_JPEG):
        _check_jpeg(data)
    cv2 = opencv.load()
    raw = np.frombuffer(data, np.uint8)
    upright = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    try:
        # UNCHANGED keeps alpha, but does not apply the EXIF orientation.
        image = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if _may_have_alpha(data) else None
        if image is None or image.ndim == 2 or image.shape[2] != 4:
            image = cv2.imdecode(raw, upright)
        else:
            image = exif.upright(image, data)
    except cv2.error as error:
        raise SourceError(f"is not a readable image ({error.err})") from None
    if image is None:
        raise SourceError("is damaged, or not a readable image")
    eight = _to_eight_bits(image)
    if eight.shape[2] == 4:
        alpha = eight[:, :, 3:].astype(np.uint16)
        eight = ((eight[:, :, :3] * alpha + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(eight[:, :, ::-1])


def encode(pixels: Pixels, suffix: str) -> bytes:
    """Encode RGB pixels in the format of a suffix: .png (level 1), .jpg and .webp (quality 95), .tiff.

    Raises SettingsError for another suffix, ToolError where the format cannot hold the size, as WebP above 16383 pixels
    a side.
    """
    if suffix.lower() not in WRITTEN:
        raise SettingsError(
            f"an image cannot be written as {suffix or 'a name without a suffix'}: use .png, .jpg, .webp or .tiff"
        )
    cv2 = opencv.load()
    options = {
        # The same file size as the default strategy of level 1, in half the time.
        "PNG": [
            *(cv2.IMWRITE_PNG_COMPRESSION, 1),
            *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
            *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
        ],
        "JPEG": [cv2.IMWRITE_JPEG_QUALITY, 95],
        "WebP": [cv2.IMWRITE_WEBP_QUALITY, 95],
        "TIFF": [],
    }
    kind = WRITTEN[suffix.lower()]
    try:
        done, data = cv2.imencode(suffix.lower(), pixels[:, :, ::-1], options[kind])
    except cv2.error as error:
        raise ToolError(f"{kind} cannot hold {pixels.shape[1]}x{pixels.shape[0]} pixels: {error.err}") from None
    if not done:
        raise ToolError(f"{kind} cannot hold {pixels.shape[1]}x{pixels.shape[0]} pixels")
    return bytes(data)


def load(path: Path) -> Pixels:
    """Read one still from disk, decoded as by `decode`; raise SourceError with the name of the file."""
    return _decoded(path, _bytes(path))


def frames(info: SourceInfo, indices: Sequence[int]) -> Iterator[Pixels]:
    """Yield the pictures of a still or a folder at rising indices; raise SourceError where a size has changed."""
    for index in indices:
        pixels = load(info.files[index])
        if pixels.shape[:2] != (info.height, info.width):
            raise SourceError(
                f"{short_name(info.files[index])} has another size than when it was first read: run the command again"
            )
        yield pixels


def probe_still(path: Path, identity: str) -> SourceInfo:
    """Return the facts of one picture; raise SourceError where it cannot be decoded completely."""
    height, width = _size(path, _bytes(path))
    return SourceInfo(
        short_name(path), "still", height, width, (Fraction(0),), 1 / FOLDER_RATE, FOLDER_RATE, identity, files=(path,)
    )


def probe_folder(folder: Path) -> SourceInfo:
    """Return the facts of a folder of images, in natural order (2 before 10), at 25 images per second.

    Raises SourceError for a number missing in a numbered sequence, an image of another size, or one that is damaged.
    """
    name = short_name(folder)
    try:
        files = [f for f in folder.iterdir() if f.suffix.lower() in READ_SUFFIXES and f.is_file()]
    except OSError as error:
        raise SourceError(f"{name} cannot be listed: {error.strerror}") from None
    files = sorted((file for file in files if not file.name.startswith(".")), key=natural)
    if not files:
        raise SourceError(f"{name} is a folder without images ({', '.join(sorted(READ_SUFFIXES))})")
    if missing := gap(file.name for file in files):
        raise SourceError(
            f"{name}: {missing} is missing from the sequence; put it back, or rename the images without gaps"
        )
    digest = hashlib.sha256()
    size = None
    for file in files:
        data = _bytes(file)
        here = _size(file, data)
        if size is not None and here != size:
            raise SourceError(
                f"{name}: {short_name(file)} is {here[1]}x{here[0]}, the images before it {size[1]}x{size[0]}: "
                "resize all to one size"
            )
        size = here
        digest.update(f"{file.name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        digest.update(data)
    assert size is not None
    times = tuple(n / FOLDER_RATE for n in range(len(files)))
    return SourceInfo(
        name, "folder", *size, times, len(files) / FOLDER_RATE, FOLDER_RATE, digest.hexdigest(), files=tuple(files)
    )


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that puts f2.png before f10.png."""
    parts = re.split(r"([0-9]+)", path.name)  # text at even places, digits at odd ones
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)]


def gap(names: Iterator[str] | Sequence[str]) -> str:
    """Return the first name missing from a numbered sequence; empty where none is, or the names form no sequence.

    A sequence may start at any number and have any constant step (f_0010, f_0020, ...).
    """
    parsed = [re.fullmatch(r"(.*?)([0-9]+)(\D*)", name) for name in names]
    matches = [match for match in parsed if match]
    if len(matches) < 3 or len(matches) < len(parsed) or len({(match[1], match[3]) for match in matches}) > 1:
        return ""
    numbers = sorted({int(match[2]) for match in matches})
    steps = [b - a for a, b in pairwise(numbers)]
    step = min(steps, default=1)
    for number, here in zip(numbers, steps, strict=False):
        if here != step:
            digits = len(matches[0][2]) if matches[0][2].startswith("0") else 1
            return f"{matches[0][1]}{number + step:0{digits}d}{matches[0][3]}"
    return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{short_name(path)} cannot be read: {error.strerror}") from None


def _decoded(path: Path, data: bytes) -> Pixels:
    try:
        return decode(data)
    except SourceError as error:
        raise SourceError(f"{short_name(path)} {error}") from None


def _size(path: Path, data: bytes) -> tuple[int, int]:
    """Return height and width of a picture after a full decode: a header does not show damage further on."""
    if data.startswith(_PNG) and len(data) >= 24:  # checked before decoding: a few kB may decompress to gigabytes
        width, height = struct.unpack(">2I", data[16:24])
        _check_side(path, height, width)
    height, width = _decoded(path, data).shape[:2]
    _check_side(path, height, width)
    return height, width


def _check_side(path: Path, height: int, width: int) -> None:
    if max(height, width) > MAX_SIDE:
        raise SourceError(
            f"{short_name(path)} is {width}x{height}: a side may have at most {MAX_SIDE} pixels, so scale it down first"
        )


def _check_png(data: bytes) -> None:
    """Check length and CRC of a PNG's chunks, since libpng would report damage on standard error; raise SourceError."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 4 : at + 8 + length]
        if (
            at + 12 + length > len(data)
            or struct.pack(">I", zlib.crc32(body)) != data[at + 8 + length : at + 12 + length]
        ):
            break
        if kind == b"IEND":
            return
        at += 12 + length
    raise SourceError("is damaged or incomplete")


def _check_jpeg(data: bytes) -> None:
    """Check for an end marker after the first scan: libjpeg would fill what is missing with grey; raise SourceError."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # a segment may hold a thumbnail with its own end marker
    if data.find(_JPEG_END, at) < 0:
        raise SourceError("is damaged or incomplete")


def _may_have_alpha(data: bytes) -> bool:
    if data.startswith(_PNG):
        return bool(data[25] & 4) or b"tRNS" in data[:4096]
    return not data.startswith((_JPEG, b"BM"))


def _to_eight_bits(image: npt.NDArray[np.generic]) -> Pixels:
    if image.dtype == np.uint16:
        return ((image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if image.dtype != np.uint8:
        values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return image.astype(np.uint8, copy=False)
