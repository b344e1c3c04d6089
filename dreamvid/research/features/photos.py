"""Photographs that features are looked for in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dreamvid.config.settings import Settings
from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media import images, opencv
from dreamvid.pipeline.sources import NOISE, open_still


def files_in(folder: Path) -> list[Path]:
    """The pictures in a folder and its sub-folders, in natural order; raises SourceError where there are none."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {images.short_name(folder, whole=True)}")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in images.READ_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        kinds = ", ".join(sorted(images.READ_SUFFIXES))
        raise SourceError(f"{images.short_name(folder)} is a folder without images: add some ({kinds})")
    return sorted(found, key=lambda path: (images.natural(path), path))


def evenly(files: Sequence[Path], most: int) -> list[Path]:
    """At most so many of the files, evenly chosen."""
    return [files[at] for at in np.unique(np.linspace(0, len(files) - 1, most).astype(int))]


def squared(picture: Pixels, side: int) -> Pixels:
    """The middle of a picture, as large a square as fits, brought to `side` pixels."""
    cv2 = opencv.load()
    height, width = picture.shape[:2]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA if least > side else cv2.INTER_CUBIC)


def fitted(picture: Pixels, side: int) -> Pixels:
    """A picture whose short side has come down to `side` pixels, its aspect kept; a smaller one stays as it is."""
    scale = side / min(picture.shape[:2])
    if scale >= 1:
        return picture
    cv2 = opencv.load()
    height, width = (max(side, round(length * scale)) for length in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def load(path: Path, side: int) -> Pixels:
    """A photograph, its short side at most `side` pixels; raises SourceError."""
    return fitted(images.load(path), side)


def still(source: str, settings: Settings, side: int) -> Pixels:
    """A still, a video's first frame, or noise (square where no size is set), its short side at most `side` pixels.

    Raises SourceError or SettingsError.
    """
    if source in NOISE and settings.input.size is None:
        square = settings.input.model_copy(update={"size": f"{side}x{side}"})
        settings = settings.model_copy(update={"input": square})
    (frame,) = open_still(source, settings).frames((0,))
    return fitted(frame.image, side)
