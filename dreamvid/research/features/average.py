"""Mean of the pictures that a class was learned from, to compare with the dream of that class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from dreamvid.core.errors import SourceError, nearest
from dreamvid.core.types import Pixels
from dreamvid.media import images
from dreamvid.models.net import plainly
from dreamvid.research.features import photos

MOST = 400  # most pictures of a class, evenly chosen: the mean of more looks the same


@dataclass(frozen=True)
class Average:
    """Statistics of `count` pictures of a class: their `mean`, and the `typical` one, nearest to their median.

    `usual`: mean correlation of a picture with the mean of the others, as a reference for other correlations.
    """

    mean: Pixels
    typical: Pixels
    count: int
    usual: float


def of_class(folder: Path, name: str, side: int) -> Average:
    """Return the average of the pictures in the sub-folder with the name of a class, as squares of `side` pixels.

    Names are compared in any case, with `_` or `-` for space. Raises SourceError where there is no such sub-folder, or
    where fewer than two pictures are in it.
    """
    files = photos.evenly(photos.files_in(_sub_folder(folder, name)), MOST)
    if len(files) < 2:
        raise SourceError(f"{images.short_name(files[0].parent)} has only one picture: give at least two for a mean")
    squares = np.stack([photos.squared(images.load(file), side) for file in files])
    total = squares.sum(axis=0, dtype=np.float64)
    usual = np.mean([correlation(square, total - square) for square in squares])
    far = np.abs(squares.astype(np.float32) - np.median(squares, axis=0)).mean(axis=(1, 2, 3))
    mean = np.round(total / len(squares)).astype(np.uint8)
    return Average(mean, squares[far.argmin()], len(squares), float(usual))


def correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Return Pearson's correlation of two arrays of one size over all values, in [-1, 1]; 0 where one is constant."""
    values = (np.asarray(part, np.float64).ravel() for part in (one, other))
    mine, its = (part - part.mean() for part in values)
    size = float(np.linalg.norm(mine) * np.linalg.norm(its))
    return float(mine @ its) / size if size else 0.0


def _sub_folder(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise SourceError(f"there is no folder {images.short_name(folder, whole=True)}")
    inner = {plainly(path.name): path for path in sorted(folder.iterdir()) if path.is_dir()}
    if plainly(name) not in inner:
        near = nearest(plainly(name), [path.name for path in inner.values()])
        raise SourceError(f"{images.short_name(folder)} has no sub-folder of the class {name!r}{near}")
    return inner[plainly(name)]
