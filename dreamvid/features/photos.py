"""Photographs that features are looked for in."""

from pathlib import Path

from dreamvid.errors import SourceError
from dreamvid.media import Pixels
from dreamvid.video import cv, images


def files_in(folder: Path) -> list[Path]:
    """The pictures in a folder and its sub-folders, in natural order; raises SourceError where there are none."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {images.shown(folder, whole=True)}")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in images.READ_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        kinds = ", ".join(sorted(images.READ_SUFFIXES))
        raise SourceError(f"{images.shown(folder)} is a folder without images ({kinds})")
    return sorted(found, key=lambda path: (images.natural(path), path))


def fitted(picture: Pixels, side: int) -> Pixels:
    """A picture whose short side has come down to `side` pixels, its aspect kept; a smaller one stays as it is."""
    scale = side / min(picture.shape[:2])
    if scale >= 1:
        return picture
    cv2 = cv.load()
    height, width = (max(side, round(length * scale)) for length in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]


def load(path: Path, side: int) -> Pixels:
    """A photograph, its short side at most `side` pixels; raises SourceError."""
    return fitted(images.load(path), side)
