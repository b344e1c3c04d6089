"""Photographs for feature pictures: found in folders, cropped, resized."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dreamvid.config.settings import Settings
from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media import images, opencv
from dreamvid.pipeline.sources import NOISE, first_picture, framing_of, probe_source


def files_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and its sub-folders, in natural order; raise SourceError where there are none."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {images.short_name(folder, whole=True)}")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in images.READ_SUFFIXES and not path.is_dir() and not path.name.startswith(".")
    ]
    if not found:
        kinds = ", ".join(sorted(images.READ_SUFFIXES))
        raise SourceError(f"{images.short_name(folder)} is a folder without images: add some ({kinds})")
    return sorted(found, key=lambda path: (images.natural(path), path))


def evenly(files: Sequence[Path], most: int) -> list[Path]:
    """Return at most that many of the files, evenly chosen."""
    return [files[at] for at in np.unique(np.linspace(0, len(files) - 1, most).astype(int))]


def squared(picture: Pixels, side: int) -> Pixels:
    """Return the largest central square of a picture, resized to `side` pixels."""
    cv2 = opencv.load()
    height, width = picture.shape[:2]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA if least > side else cv2.INTER_CUBIC)


def fitted(picture: Pixels, side: int) -> Pixels:
    """Shrink a picture to a short side of `side` pixels, keeping its aspect ratio; a smaller one is unchanged."""
    scale = side / min(picture.shape[:2])
    if scale >= 1:
        return picture
    cv2 = opencv.load()
    height, width = (max(side, round(length * scale)) for length in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def load(path: Path, side: int) -> Pixels:
    """Read a photograph and shrink its short side to at most `side` pixels; raise SourceError."""
    return fitted(images.load(path), side)


def still(source: str, settings: Settings, side: int) -> Pixels:
    """Read a still, a video's first frame, or noise (square where no size is set), shrunk to short side `side` pixels.

    Raises SourceError or SettingsError.
    """
    if source in NOISE and settings.input.size is None:
        square = settings.input.model_copy(update={"size": f"{side}x{side}"})
        settings = settings.model_copy(update={"input": square})
    info = probe_source(source, settings)
    return fitted(first_picture(info, settings, framing_of(info, settings)), side)
