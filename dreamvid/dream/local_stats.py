"""Local means of a picture on a grid, twelve cells along its short side, and their interpolation to pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

Grid = tuple[tuple[float, ...], ...]  # a score per cell, rows of columns as in `means`; or values per band
GRID_CELLS = 12  # along the short side; each cell is three cell distances wide, so that cells overlap
SMALLEST_SHARE = 0.05  # of a cell: if less of it is visible, its score is not measured


def grid_shape(height: int, width: int) -> tuple[int, int]:
    """Return the rows and columns of the grid of a picture of this size."""
    scale = GRID_CELLS / min(height, width)
    return round(height * scale), round(width * scale)


def means(field: Tensor) -> Tensor:
    """Return the means of (1, 1, H, W) over overlapping cells, (1, 1, rows, columns), twelve along the short side."""
    # On the CPU instead of MPS, which cannot average over areas that do not divide the picture evenly.
    there = field.cpu() if field.device.type == "mps" else field
    cells = F.adaptive_avg_pool2d(there, grid_shape(field.shape[-2], field.shape[-1]))
    return F.avg_pool2d(cells, 3, stride=1, padding=1, count_include_pad=False).to(field.device)


def visible_means(score: Tensor, visible: Tensor | None, fallback: Tensor) -> Tensor:
    """Return the mean score of the visible part of each cell, (1, 1, rows, columns).

    `score`, `visible`: (1, 1, H, W), `visible` in [0, 1] or None: all. `fallback`, (1, 1, rows, columns), is returned
    for cells of which at most `SMALLEST_SHARE` is visible, and if `visible` is None.
    """
    if visible is None:
        return fallback
    covered = means(visible)
    mean = means(score * visible) / covered.clamp(min=SMALLEST_SHARE)
    return torch.where(covered > SMALLEST_SHARE, mean, fallback)


def spread(grid: Tensor, image: Tensor) -> Tensor:
    """Interpolate a grid, (1, 1, rows, columns), bilinearly to each pixel of a picture: (1, 1, H, W)."""
    return F.interpolate(grid, image.shape[-2:], mode="bilinear", align_corners=False)
