"""Drawings for training: a shape on a warped grid, coloured, lit as a relief, with noise; see `shapes`."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from dreamvid.research.training.sampling import Pictures
from dreamvid.research.training.shapes import KINDS, Grid

NAMES = {kind: f"drawn {kind}" for kind in KINDS}  # distinct from photographed classes of the same name


def draw(kind: str, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one picture of `kind`, RGB uint8 (3, side, side)."""
    line = np.linspace(-1, 1, side, dtype=np.float32)
    row, col = np.meshgrid(line, line, indexing="ij")
    row, col = _warped(row, col, rng)
    height = np.clip(KINDS[kind](row, col, rng), 0, 1)
    picture = _coloured(height, row, rng) * _light(height, side, rng)
    picture = picture + rng.normal(0, rng.uniform(0, 0.03), picture.shape)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _warped(row: Grid, col: Grid, rng: np.random.Generator) -> tuple[Grid, Grid]:
    """Apply a random affine map and a slight wobble to the grid; shapes stay mostly upright."""
    angle = rng.normal(0, 0.35)
    size = rng.uniform(0.75, 1.5)
    down, across = row * size + rng.normal(0, 0.15), col * size * rng.uniform(0.8, 1.25) + rng.normal(0, 0.15)
    row, col = down * np.cos(angle) - across * np.sin(angle), down * np.sin(angle) + across * np.cos(angle)
    wobble = rng.uniform(0, 0.1, 2)
    swing = rng.uniform(1, 4, 2)
    turn = rng.uniform(0, 2 * np.pi, 2)
    return row + wobble[0] * np.sin(swing[0] * col + turn[0]), col + wobble[1] * np.sin(swing[1] * row + turn[1])


def _coloured(height: Grid, row: Grid, rng: np.random.Generator) -> NDArray[np.float64]:
    """Colour the height with a palette of three colours, (3, side, side); the lowest blends towards a fourth by row."""
    palette = rng.uniform(0, 1, (4, 3))
    palette[[0, 2]] = palette[[0, 2]] * 0.5 + rng.permutation([[0.0] * 3, [0.5] * 3])  # one dark, one bright
    floor = palette[0][:, None, None] + (palette[3] - palette[0])[:, None, None] * 0.25 * (row + 1)
    middle, top = palette[1][:, None, None], palette[2][:, None, None]
    low, high = np.clip(2 * height, 0, 1), np.clip(2 * height - 1, 0, 1)
    return floor + (middle - floor) * low + (top - middle) * high


def _light(height: Grid, side: int, rng: np.random.Generator) -> Grid:
    """Return Lambertian shading of the relief, lit from a random direction."""
    slope_row, slope_col = np.gradient(height, 2 / side)
    angle, bump = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    facing = 1 + bump * (np.sin(angle) * slope_row + np.cos(angle) * slope_col)
    shade: Grid = np.clip(facing / np.sqrt(1 + bump**2 * (slope_row**2 + slope_col**2)), 0.25, 1.6)
    return shade


def draw_all(per_kind: int, side: int, rng: np.random.Generator) -> Pictures:
    """Draw `per_kind` pictures of every kind, labelled in the order of KINDS."""
    images = np.stack([draw(kind, side, rng) for kind in KINDS for _ in range(per_kind)])
    return Pictures(torch.from_numpy(images), torch.arange(len(KINDS)).repeat_interleave(per_kind))


def redraw(pictures: Pictures, numbers: Iterable[int], rng: np.random.Generator) -> None:
    """Replace these drawings by new ones of their kinds, in place."""
    kinds, side = list(KINDS), pictures.images.shape[-1]
    for number in numbers:
        kind = kinds[int(pictures.labels[number] - pictures.labels[0])]
        pictures.images[number] = torch.from_numpy(draw(kind, side, rng))
