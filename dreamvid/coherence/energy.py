"""Strength of dreams: rms per frequency band and score per place, measured and used to steer carried dreams."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise, starmap

import numpy as np
import torch
from torch import Tensor

from dreamvid.coherence.optical_flow import Field, sample
from dreamvid.core.types import Image, Mask
from dreamvid.dream.local_stats import Grid
from dreamvid.media import opencv

CEILING = 1.25  # score relative to fresh dreams at which the step of a cell becomes 0
BOOST = 4.0  # largest factor on the step of a cell that is too weak
BROADER = 5  # bands below the coarsest octave: the rms of a single one would stay while its shapes grow ever larger
# Brightness, red minus blue, green minus both: almost uncorrelated in pictures (I1 to I3 of Ohta, Kanade and Sakai
# 1980), here normalised, so that the transpose is the inverse.
OPPONENT = np.array(
    [np.array(row) / np.linalg.norm(row) for row in ((1, 1, 1), (1, 0, -1), (-1, 2, -1))], dtype=np.float32
)
SLIVER = 0.01  # share of the frame: a smaller area is too small to measure strength on
EVENING = 0.5  # share of the picture's mean in the target score of a cell: one dream measures a cell poorly


@dataclass(frozen=True)
class Strength:
    """The strength of fresh dreams of a picture, to which carried ones are steered; all lists coarse to fine.

    `bands`: rms of the layer's three opponent channels in each band, as from `band_rms`; `tint`: their means;
    `scores`: the objective at each octave's size, per cell of a grid.
    """

    bands: Grid
    tint: tuple[float, ...]
    scores: tuple[Grid, ...]

    @property
    def is_whole(self) -> bool:
        """Return whether it is as a measurement gives it, or empty: rows of equal length, bands of all octaves."""
        rows = [*self.bands, self.tint, *(row for grid in self.scores for row in grid)]
        grids = all(grid and grid[0] and len({len(row) for row in grid}) == 1 for grid in self.scores)
        full = len(self.bands) == BROADER + len(self.scores) and all(len(row) == 3 for row in (*self.bands, self.tint))
        nothing = not (self.bands or self.tint or self.scores)
        return nothing or (full and grids and all(map(math.isfinite, chain.from_iterable(rows))))

    @property
    def shape(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the score grid of each octave, coarse to fine."""
        return tuple((len(grid), len(grid[0])) for grid in self.scores)

    def towards(self, other: "Strength", share: float) -> "Strength":
        """Return the weighted mean, (1 - share) of this and `share` of the other, rounded to four digits.

        If the other has grids of another shape, it is returned itself.
        """
        if self.shape != other.shape:
            return other

        def mixed(mine: float, its: float) -> float:
            return float(f"{(1 - share) * mine + share * its:.4g}")

        def row(mine: tuple[float, ...], its: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(starmap(mixed, zip(mine, its, strict=True)))

        def grid(mine: Grid, its: Grid) -> Grid:
            return tuple(starmap(row, zip(mine, its, strict=True)))

        scores = tuple(starmap(grid, zip(self.scores, other.scores, strict=True)))
        return Strength(grid(self.bands, other.bands), row(self.tint, other.tint), scores)

    def moved(self, field: Field) -> "Strength":
        """Return the strength with its scores warped with the picture; `field`: (H, W, 2), as in a `Motion`."""
        if not field.any():
            return self
        return replace(self, scores=tuple(_moved(grid, field) for grid in self.scores))

    def ease(self, octave: int, score: Tensor) -> Tensor:
        """Return the factor on the step of each cell, (1, 1, rows, columns), 0 to `BOOST`.

        `score`: (1, 1, rows, columns). The factor is 1 where it equals that of a fresh dream, and 0 where it is
        `CEILING` times that. Scores keep growing even in a layer of constant rms; only steps that go to 0 stop them.
        """
        wanted = torch.tensor(self.scores[octave], dtype=score.dtype, device=score.device)
        wanted = (1 - EVENING) * wanted + EVENING * wanted.mean()
        ease = ((CEILING - score / wanted) / (CEILING - 1)).clamp(0, BOOST)
        return torch.where(wanted > 0, ease, torch.ones_like(ease))  # a score below zero cannot be compared by ratio


def _moved(grid: Grid, field: Field) -> Grid:
    """Return a grid of cells with its values warped by the picture's field, rounded to four digits."""
    rows, columns = len(grid), len(grid[0])
    small = opencv.load().resize(field, (columns, rows), interpolation=opencv.load().INTER_AREA)
    small = small * np.array([rows / field.shape[0], columns / field.shape[1]], np.float32)
    found = sample(np.array(grid, np.float32), small)
    return tuple(tuple(float(f"{value:.4g}") for value in row) for row in found.tolist())


def bands(layer: Image, sizes: list[tuple[int, int]]) -> Iterator[Image]:
    """Yield the bands of a layer's Laplacian pyramid (Burt and Adelson 1983), coarse to fine.

    `sizes`: (height, width) of the bands, coarse to fine, the last that of the layer. Each band has its own size; the
    layer is restored by growing (`grown`) and adding them one after the other. Before the first size come `BROADER`
    more, half an octave apart: steps also create shapes broader than their octave's pixels, and in a zoom shapes grow
    or shrink.
    """
    cv2 = opencv.load()
    broader = [tuple(max(1, round(side * 2 ** (-half / 2))) for side in sizes[0]) for half in range(BROADER, 0, -1)]
    levels = [layer]
    for rows, columns in reversed([*broader, *sizes[:-1]]):
        levels.append(cv2.resize(levels[-1], (columns, rows), interpolation=cv2.INTER_AREA))
    yield levels[-1]
    for finer, level in reversed(list(pairwise(levels))):
        yield finer - grown(level, (finer.shape[0], finer.shape[1]))


def grown(level: Image, size: tuple[int, int]) -> Image:
    """Upscale a level of a pyramid bicubically to the (height, width) of the next."""
    cv2 = opencv.load()
    return np.asarray(cv2.resize(level, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def opponent(layer: Image) -> Image:
    """Convert a layer from RGB, H x W x 3, to opponent channels: brightness, red minus blue, green minus both."""
    return np.asarray(opencv.load().transform(layer, OPPONENT), np.float32)


def band_rms(layer: Image, sizes: list[tuple[int, int]], where: Mask | None = None) -> Grid:
    """Return the rms of each channel of a layer in each of its bands, coarse to fine.

    `where`: weights in [0, 1], H x W, that limit the measure to some places.
    """
    kept, share = _within(layer, where, 2)
    return tuple(_rms(band, share) for band in bands(kept, sizes))


def tint(layer: Image, where: Mask | None = None) -> tuple[float, ...]:
    """Return the mean of each channel of a layer; `where`: weights in [0, 1], H x W, that limit it to some places."""
    kept, share = _within(layer, where, 1)
    return tuple(mean / share for mean in opencv.load().mean(kept)[:3])


def _within(layer: Image, where: Mask | None, power: int) -> tuple[Image, float]:
    """Return a layer times `where`, and the mean of `where ** power`, by which means over the layer are divided.

    If the mean is below `SLIVER`, the layer is returned unchanged, with 1.
    """
    share = 1.0 if where is None else float((where**power).mean())
    return (layer, 1.0) if where is None or share < SLIVER else (layer * where[..., None], share)


def _rms(band: Image, share: float) -> tuple[float, ...]:
    """Return the rms of each channel; by OpenCV, as sums of BLAS depend on the number of threads."""
    return tuple(float((mean / share) ** 0.5) for mean in opencv.load().mean(np.square(band))[:3])
