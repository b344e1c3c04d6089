"""A small picture that stands for a film, a still or a folder of frames; only what is shown is decoded."""

from pathlib import Path

import av
import numpy as np

from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media import images, opencv
from dreamvid.media.container import open_file, picture

STILLS = images.READ_SUFFIXES | {".gif"}
FURTHEST = 48  # frames of a GIF or animated WebP that are decoded


def thumbnail(path: Path, side: int) -> Pixels:
    """Return a picture from the middle of a film, `side` pixels on its longer side at most; raise SourceError."""
    try:
        pixels = _middle(path)
    except (OSError, av.FFmpegError, StopIteration, IndexError) as error:
        raise SourceError(f"{images.short_name(path)} shows no picture: {error}") from None
    return within(pixels, side)


def within(pixels: Pixels, side: int) -> Pixels:
    """Return a picture, H x W x 3, made smaller where its longer side has more than `side` pixels."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    cv2 = opencv.load()
    scale = side / max(pixels.shape[:2])
    size = tuple(max(1, round(length * scale)) for length in pixels.shape[1::-1])
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


def _middle(path: Path) -> Pixels:
    if path.is_dir():
        files = sorted((file for file in path.iterdir() if file.suffix.lower() in STILLS), key=images.natural)
        return images.load(files[len(files) // 2])
    if path.suffix.lower() in STILLS:
        with images.opened(path) as still:
            return still.pixels(min(len(still.pages) // 2, FURTHEST))
    with open_file(path) as container:
        stream = picture(container)
        if stream is None:
            raise SourceError(f"{images.short_name(path)} has no picture")
        container.seek((container.duration or 0) // 2)  # the keyframe before it
        return np.asarray(next(container.decode(stream)).to_ndarray(format="rgb24"), np.uint8)
