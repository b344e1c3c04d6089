"""How strong a dream is, octave by octave and place by place, and the steps that hold it there."""

from dataclasses import dataclass
from itertools import starmap

import numpy as np
import torch
from torch import Tensor

from dreamvid.media import Image, Mask
from dreamvid.video import cv

Grid = tuple[tuple[float, ...], ...]  # rows of a score in neighbourhoods, as `neighbourhoods.means` lays them out
CEILING = 1.25  # score, as a share of the fresh dreams', at which a neighbourhood is dreamed no further
BOOST = 4.0  # times the usual step that a neighbourhood far too weak may take
SLIVER = 0.01  # share of the frame: less than that tells nothing of how strong dreams are
EVENING = 0.5  # share of the picture's mean in what is wanted of a neighbourhood: a few dreams hardly tell one


@dataclass(frozen=True)
class Strength:
    """How strong fresh dreams of a picture are, which the carried ones are held to; per octave, coarse to fine.

    `bands`: rms of the layer in each octave's band, in [0, 1]; `scores`: the objective at each octave's size, in
    neighbourhoods.
    """

    bands: tuple[float, ...]
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

        def rows(mine: tuple[float, ...], its: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(starmap(mixed, zip(mine, its, strict=True)))

        scores = (
            tuple(starmap(rows, zip(mine, its, strict=True)))
            for mine, its in zip(self.scores, other.scores, strict=True)
        )
        return Strength(rows(self.bands, other.bands), tuple(scores))

    def ease(self, octave: int, score: Tensor) -> Tensor:
        """Share of its step that each neighbourhood takes, 0 to `BOOST`: 1 where its score, (1, 1, rows, columns), is
        that of a fresh dream, none where it is `CEILING` of it.

        A layer of constant rms is still polished by every step; only a step that comes to rest keeps it from growing.
        """
        wanted = torch.tensor(self.scores[octave], dtype=score.dtype, device=score.device)
        wanted = (1 - EVENING) * wanted + EVENING * wanted.mean()
        ease = ((CEILING - score / wanted) / (CEILING - 1)).clamp(0, BOOST)
        return torch.where(wanted > 0, ease, torch.ones_like(ease))  # a score below zero is no measure


def bands(layer: Image, sizes: list[tuple[int, int]]) -> list[Image]:
    """Splits a layer into octave bands that sum to it; `sizes`: (height, width) coarse to fine, the last its own."""
    cv2 = cv.load()
    height, width = layer.shape[:2]
    parts, below = [], np.zeros_like(layer)
    for rows, columns in sizes[:-1]:
        small = cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_AREA)
        above = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        parts.append(above - below)
        below = above
    return [*parts, layer - below]


def band_rms(layer: Image, sizes: list[tuple[int, int]], where: Mask | None = None) -> tuple[float, ...]:
    """The rms of a layer in each octave's band, coarse to fine, in [0, 1]; `where`: in these places alone, H x W."""
    covered = 1.0 if where is None else float(where.mean())
    if where is None or covered < SLIVER:
        return tuple(rms(band) for band in bands(layer, sizes))
    return tuple(rms(band) / covered**0.5 for band in bands(layer * where[..., None], sizes))


def rms(layer: Image) -> float:
    """The root of the mean square of a layer; not by BLAS, whose sums depend on how many threads it has."""
    return float(np.sqrt(np.square(layer).mean()))
