"""Stills and folders of stills: probed, read, encoded."""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import mode
from typing import Literal

import numpy as np

from dreamvid.core.errors import SettingsError, SourceError, ToolError
from dreamvid.core.types import Pixels, SourceInfo
from dreamvid.media import opencv, still_texts, stills
from dreamvid.media.timeline import base_rate

logger = logging.getLogger(__name__)

FOLDER_RATE = Fraction(25)
READ_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".hif"),  # with a plugin; without it they are refused by name
}
# Kinds of pictures that are not read, by suffix, and how some of them begin.
UNREAD_SUFFIXES = {
    *(".jp2", ".j2k", ".jxl", ".psd", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".exr", ".hdr", ".dpx", ".svg", ".ico"),
    *(".icns", ".pcx", ".dds", ".sgi", ".qoi", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"),
}
UNREAD_HEADS = (b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b"\xff\x0a", b"8BPS", b"v/1\1", b"SDPX", b"DDS ", b"#?RADIANCE")
# What is not read of a folder, and said: these, and what is read as a film.
OTHER_SUFFIXES = UNREAD_SUFFIXES | {
    *(".gif", ".apng", ".jfif", ".jpe"),
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp"),
}
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF"}


def short_name(path: Path, *, whole: bool = False) -> str:
    """Return a file's name (`whole`: its path) for messages: on one line, with unprintable characters as `?`."""
    return "".join(c if c.isprintable() else "?" for c in (str(path) if whole else path.name or str(path)))


def unread(path: Path, head: bytes) -> str:
    """Return what to do with a picture of a kind that is not read; empty where it is none, as far as can be known."""
    kind = path.suffix.lower()
    if kind not in UNREAD_SUFFIXES and not head.startswith(UNREAD_HEADS) and b"<svg" not in head:
        return ""
    return f"it is a picture of a kind that is not read; save it as PNG (read are {', '.join(sorted(READ_SUFFIXES))})"


def encode(pixels: Pixels, suffix: str, text: str = "", quality: int = 95) -> bytes:
    """Encode RGB pixels in the format of a suffix: .png (level 1), .jpg and .webp (of a `quality` up to 100), .tiff.

    `text`: ASCII, goes along in an EXIF block. Raises SettingsError for another suffix, ToolError where the format
    cannot hold the size, as WebP above 16383 pixels a side.
    """
    if suffix.lower() not in WRITTEN:
        raise SettingsError(
            f"an image cannot be written as {suffix or 'a name without a suffix'}: use .png, .jpg, .webp or .tiff"
        )
    kind = WRITTEN[suffix.lower()]
    if kind == "TIFF":  # in which OpenCV writes no text
        return still_texts.tiff(pixels, text)
    cv2 = opencv.load()
    options = {
        # The same file size as the default strategy of level 1, in half the time.
        "PNG": [
            *(cv2.IMWRITE_PNG_COMPRESSION, 1),
            *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
            *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
        ],
        "JPEG": [cv2.IMWRITE_JPEG_QUALITY, quality],
        "WebP": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    beside = ([cv2.IMAGE_METADATA_EXIF], [np.frombuffer(still_texts.exif(text), np.uint8)]) if text else ([], [])
    try:
        done, data = cv2.imencodeWithMetadata(suffix.lower(), pixels[:, :, ::-1], *beside, options[kind])
    except cv2.error as error:
        raise ToolError(f"{kind} cannot hold {pixels.shape[1]}x{pixels.shape[0]} pixels: {error.err}") from None
    if not done:
        raise ToolError(f"{kind} cannot hold {pixels.shape[1]}x{pixels.shape[0]} pixels")
    return bytes(data)


def load(path: Path) -> Pixels:
    """Read a file of one picture, decoded as by `stills.decode`; raise SourceError with the name of the file."""
    with opened(path) as still:
        return _alone(still).pixels()


def frames(info: SourceInfo, indices: Sequence[int]) -> Iterator[Pixels]:
    """Yield the pictures of a still, a folder or a file of several at rising indices.

    Raises SourceError where a size has changed.
    """
    if len(info.files) == 1:
        with opened(info.files[0]) as still:
            for index in indices:
                if index >= len(still.pages):
                    raise SourceError("holds fewer pictures than when it was first read: run the command again")
                yield _as_before(info, info.files[0], still.pixels(index))
    else:
        for index in indices:
            yield _as_before(info, info.files[index], load(info.files[index]))


def count_pages(path: Path, *, tolerate_damage: bool = False) -> tuple[int, bool]:
    """Return how many pictures a file holds, by its header, and whether they are HDR.

    Raises SourceError where it is damaged; with `tolerate_damage`, none are counted then.
    """
    try:
        with opened(path) as still:
            return len(still.pages), still.hdr
    except SourceError:
        if tolerate_damage:
            return 0, False
        raise


def probe_still(path: Path, identity: str) -> SourceInfo:
    """Return the facts of one picture; raise SourceError where it cannot be decoded completely."""
    with opened(path) as still:
        height, width = _size(still.pixels())
    if still.deep:
        _say_deep(path)
    return SourceInfo(
        short_name(path), "still", height, width, (Fraction(0),), 1 / FOLDER_RATE, FOLDER_RATE, identity, files=(path,)
    )


def probe_pages(path: Path, identity: str) -> SourceInfo:
    """Return the facts of a file of several pictures: a video if it has times for them, else as if it were a folder.

    Raises SourceError where they differ in size, or one is damaged.
    """
    name, durations, sizes = short_name(path), [], []
    with opened(path) as still:
        for number in range(len(still.pages)):
            sizes.append(_size(still.pixels(number)))
            durations.append(still.duration)
    if odd := next((number for number, size in enumerate(sizes) if size != sizes[0]), None):
        (height, width), before = sizes[odd], "{1}x{0}".format(*sizes[0])
        raise SourceError(
            f"{name}: picture {odd + 1} is {width}x{height}, those before it {before}: save the ones to dream in one "
            "size, or each as a file of its own"
        )
    if still.deep:
        _say_deep(path)
    timed = all(durations)
    *times, end = accumulate(durations if timed else [1 / FOLDER_RATE] * len(sizes), initial=Fraction(0))
    rate = base_rate(tuple(times), end, ()) if timed else FOLDER_RATE
    kind: Literal["video", "folder"] = "video" if timed else "folder"
    return SourceInfo(name, kind, *sizes[0], tuple(times), end, rate, identity, files=(path,))


def probe_folder(folder: Path, *, tolerate_damage: bool = False) -> SourceInfo:
    """Return the facts of a folder of images, in natural order (2 before 10), at 25 images per second.

    With `tolerate_damage`, the last good image stands for one that is damaged, the first good one for those before it.
    Raises SourceError for a number missing from a numbered sequence or there twice, an image of another size, one that
    is damaged, and a file of several.
    """
    name, digest = short_name(folder), hashlib.sha256()
    size, deep, files, damaged = None, None, list[Path](), list[int]()
    for file in _listed(folder):
        _add_file(digest, file)
        try:
            with opened(file) as still:
                here = _size(_alone(still).pixels())  # decoded, since a header does not show damage further on
        except stills.DamagedError as error:
            if not tolerate_damage:
                raise SourceError(f"{error}; get it again, or repeat the one before with --tolerate-damage") from None
            damaged.append(len(files))
            files.append(file)
            continue
        if size is not None and here != size:
            raise SourceError(
                f"{name}: {short_name(file)} is {here[1]}x{here[0]}, the images before it {size[1]}x{size[0]}: "
                "resize all to one size"
            )
        size, deep = here, deep or (file if still.deep else None)
        files.append(file)
    if size is None:
        raise SourceError(f"{name}: every image in it is damaged")
    good = next(number for number in range(len(files)) if number not in damaged)
    for number in damaged:
        files[number] = files[max(good, number - 1)]
    if deep is not None:
        _say_deep(deep)
    times = tuple(n / FOLDER_RATE for n in range(len(files)))
    return SourceInfo(
        name,
        "folder",
        *size,
        times,
        len(files) / FOLDER_RATE,
        FOLDER_RATE,
        digest.hexdigest(),
        files=tuple(files),
        damaged=tuple(damaged),
    )


def _add_file(digest: "hashlib._Hash", file: Path) -> None:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{short_name(file)} cannot be read: {error.strerror}") from None
    digest.update(f"{file.name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
    digest.update(data)


def _listed(folder: Path) -> list[Path]:
    """Return the images of a folder in order; raise SourceError where there are none, or their numbers are wrong."""
    name = short_name(folder)
    try:
        every = sorted((f for f in folder.iterdir() if not f.name.startswith(".")), key=natural)
    except OSError as error:
        raise SourceError(f"{name} cannot be listed: {error.strerror}") from None
    named = [file for file in every if file.suffix.lower() in READ_SUFFIXES]
    for file in named:
        if file.is_symlink() and not file.exists():
            raise SourceError(f"{name}: {short_name(file)} is a link to a file that does not exist: put it back")
    files = [file for file in named if file.is_file()]
    others = [f for f in every if f.suffix.lower() in OTHER_SUFFIXES or (f in named and f not in files)]
    if not files:
        raise SourceError(f"{name} is a folder without images ({', '.join(sorted(READ_SUFFIXES))})")
    if missing := gap(file.name for file in files):
        raise SourceError(
            f"{name}: {missing} is missing from the sequence; put it back, or rename the images without gaps"
        )
    if same := twice(file.name for file in files):
        raise SourceError(f"{name}: {same[0]} and {same[1]} have the same number; take one of them out, or rename it")
    if others:
        first, count = short_name(others[0]), len(others)
        said = f"{first} is" if count == 1 else f"{count} files, {first} among them, are"
        logger.info(f"{name}: {said} left out: of a folder {', '.join(sorted(READ_SUFFIXES))} are read")
    return files


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that puts f2.png before f10.png."""
    parts = re.split(r"([0-9]+)", path.name)  # text at even places, digits at odd ones
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)]


def gap(names: Iterator[str] | Sequence[str]) -> str:
    """Return the first name missing from a numbered sequence; empty where none is, or the names form no sequence.

    A sequence may start at any number and have any constant step (f_0010, f_0020, ...): one that at least half of them
    have.
    """
    parsed = [re.fullmatch(r"(.*?)([0-9]+)(\D*)", name) for name in names]
    matches = [match for match in parsed if match]
    if len(matches) < 3 or len(matches) < len(parsed) or len({(match[1], match[3]) for match in matches}) > 1:
        return ""
    numbers = sorted({int(match[2]) for match in matches})
    steps = [b - a for a, b in pairwise(numbers)]
    step = min(steps, default=1)
    if steps and 2 * steps.count(mode(steps)) < len(steps):  # dates and times, not a count
        return ""
    for number, here in zip(numbers, steps, strict=False):
        if here != step:
            digits = len(matches[0][2]) if matches[0][2].startswith("0") else 1
            return f"{matches[0][1]}{number + step:0{digits}d}{matches[0][3]}"
    return ""


def twice(names: Iterator[str] | Sequence[str]) -> tuple[str, str] | None:
    """Return two names that have the same number after the same text (`f_8.png`, `f_08.jpg`); None where none have."""
    seen: dict[tuple[str, int], str] = {}
    for name in names:
        if match := re.fullmatch(r"(.*?)([0-9]+)\.\w+", name):
            key = (match[1], int(match[2]))
            if key in seen:
                return seen[key], name
            seen[key] = name
    return None


@contextmanager
def opened(path: Path) -> Iterator[stills.Still]:
    """Open a file of pictures; its name is put before what a SourceError says."""
    try:
        with path.open("rb") as file:
            yield stills.opened(file)
    except SourceError as error:
        raise type(error)(f"{short_name(path)} {error}") from None
    except OSError as error:
        raise SourceError(f"{short_name(path)} cannot be read: {error.strerror}") from None


def _alone(still: stills.Still) -> stills.Still:
    if len(still.pages) > 1:
        raise SourceError(f"holds {len(still.pages)} pictures: save the one that is meant as a file of its own")
    return still


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[0], pixels.shape[1]


def _as_before(info: SourceInfo, file: Path, pixels: Pixels) -> Pixels:
    if _size(pixels) != (info.height, info.width):
        raise SourceError(f"{short_name(file)} has another size than when it was first read: run the command again")
    return pixels


def _say_deep(file: Path) -> None:
    logger.info(f"{short_name(file)} has more than 8 bits a channel: it is rounded to 8")
