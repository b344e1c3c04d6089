"""How strong a dream is, band by band and place by place, and the steps that hold it there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, starmap

import numpy as np
import torch
from torch import Tensor

from dreamvid.coherence.optical_flow import Field, sample
from dreamvid.core.types import Image, Mask
from dreamvid.dream.local_stats import Grid
from dreamvid.media import opencv

CEILING = 1.25  # score, as a share of the fresh dreams', at which a neighbourhood is dreamed no further
BOOST = 4.0  # times the usual step that a neighbourhood far too weak may take
BROADER = 5  # bands below the coarsest octave: a single one keeps its strength while all in it turns into vast shapes
# Light, red against blue, and both against green: almost independent of each other in pictures (I1 to I3 of Ohta,
# Kanade and Sakai 1980), here of length one, so that the transpose goes back.
OPPONENT = np.array(
    [np.array(row) / np.linalg.norm(row) for row in ((1, 1, 1), (1, 0, -1), (-1, 2, -1))], dtype=np.float32
)
SLIVER = 0.01  # share of the frame: less than that tells nothing of how strong dreams are
EVENING = 0.5  # share of the picture's mean in what is wanted of a neighbourhood: a few dreams hardly tell one


@dataclass(frozen=True)
class Strength:
    """How strong fresh dreams of a picture are, which the carried ones are held to; coarse to fine.

    `bands`: rms of the layer's light and its two colours in each of its bands, as of `band_rms`; `tint`: their means;
    `scores`: the objective at each octave's size, in neighbourhoods.
    """

    bands: Grid
    tint: tuple[float, ...]
    scores: tuple[Grid, ...]

    @property
    def shape(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the neighbourhoods of each octave, coarse to fine: what the strength of a dream fits."""
        return tuple((len(grid), len(grid[0])) for grid in self.scores)

    def towards(self, other: "Strength", share: float) -> "Strength":
        """The mean of two, `share` in [0, 1] of it the other's, to four digits; of other octaves, the other itself."""
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
        """The same with its scores where the picture has gone; `field`: (H, W, 2), as of a `Motion`."""
        if not field.any():
            return self
        return replace(self, scores=tuple(_moved(grid, field) for grid in self.scores))

    def ease(self, octave: int, score: Tensor) -> Tensor:
        """Share of its step that each neighbourhood takes, 0 to `BOOST`: 1 where its score, (1, 1, rows, columns), is
        that of a fresh dream, none where it is `CEILING` of it.

        A layer of constant rms is still polished by every step; only a step that comes to rest keeps it from growing.
        """
        wanted = torch.tensor(self.scores[octave], dtype=score.dtype, device=score.device)
        wanted = (1 - EVENING) * wanted + EVENING * wanted.mean()
        ease = ((CEILING - score / wanted) / (CEILING - 1)).clamp(0, BOOST)
        return torch.where(wanted > 0, ease, torch.ones_like(ease))  # a score below zero is no measure


def _moved(grid: Grid, field: Field) -> Grid:
    """A grid of neighbourhoods whose values have gone with the picture, to four digits."""
    rows, columns = len(grid), len(grid[0])
    small = opencv.load().resize(field, (columns, rows), interpolation=opencv.load().INTER_AREA)
    small = small * np.array([rows / field.shape[0], columns / field.shape[1]], np.float32)
    found = sample(np.array(grid, np.float32), small)
    return tuple(tuple(float(f"{value:.4g}") for value in row) for row in found.tolist())


def bands(layer: Image, sizes: list[tuple[int, int]]) -> Iterator[Image]:
    """Splits a layer into a band for each of the sizes, (height, width) coarse to fine, the last its own.

    A Laplacian pyramid (Burt and Adelson 1983): each is of its own size, and `grown` to the next and added to it, one
    after the other, they are the layer again. Before the first size come `BROADER` more, half octaves apart: a step
    makes shapes broader than its octave is fine, and in a zoom they go on growing, or shrink.
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
    """A level of a pyramid at the (height, width) of the next."""
    cv2 = opencv.load()
    return np.asarray(cv2.resize(level, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def opponent(layer: Image) -> Image:
    """A layer of red, green and blue, H x W x 3, as light, red against blue, and both against green."""
    return np.asarray(opencv.load().transform(layer, OPPONENT), np.float32)


def band_rms(layer: Image, sizes: list[tuple[int, int]], where: Mask | None = None) -> Grid:
    """The rms of each channel of a layer in each of its bands, coarse to fine; `where`: H x W, there alone."""
    kept, share = _within(layer, where, 2)
    return tuple(_rms(band, share) for band in bands(kept, sizes))


def tint(layer: Image, where: Mask | None = None) -> tuple[float, ...]:
    """The mean of each channel of a layer; `where`: in these places alone, H x W in [0, 1]."""
    kept, share = _within(layer, where, 1)
    return tuple(mean / share for mean in opencv.load().mean(kept)[:3])


def _within(layer: Image, where: Mask | None, power: int) -> tuple[Image, float]:
    """A layer in these places alone, and their share in a mean of its `power`; all of it where that is a sliver."""
    share = 1.0 if where is None else float((where**power).mean())
    return (layer, 1.0) if where is None or share < SLIVER else (layer * where[..., None], share)


def _rms(band: Image, share: float) -> tuple[float, ...]:
    """Not by BLAS, whose sums depend on how many threads it has."""
    return tuple(float((mean / share) ** 0.5) for mean in opencv.load().mean(np.square(band))[:3])
