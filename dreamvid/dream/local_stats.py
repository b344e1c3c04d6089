"""Neighbourhoods of a picture, twelve along its short side: local means in them, and their values at each pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

Grid = tuple[tuple[float, ...], ...]  # a score in neighbourhoods, as `means` lays them out; or bands
NEIGHBOURHOODS = 12  # along the short side; each is three of their distances wide
SMALLEST_SHARE = 0.05  # of a neighbourhood: what is seen of it tells its score


def grid_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the neighbourhoods of a picture of this size."""
    scale = NEIGHBOURHOODS / min(height, width)
    return round(height * scale), round(width * scale)


def means(field: Tensor) -> Tensor:
    """The means of (1, 1, H, W) in overlapping neighbourhoods, (1, 1, rows, columns), twelve along the short side."""
    # Not on MPS, which refuses to average over areas that do not divide the picture evenly.
    there = field.cpu() if field.device.type == "mps" else field
    cells = F.adaptive_avg_pool2d(there, grid_shape(field.shape[-2], field.shape[-1]))
    return F.avg_pool2d(cells, 3, stride=1, padding=1, count_include_pad=False).to(field.device)


def shown_means(score: Tensor, shown: Tensor | None, unseen: Tensor) -> Tensor:
    """The mean score of what is `shown` of each neighbourhood, (1, 1, H, W) both; `unseen`: where nothing is."""
    if shown is None:
        return unseen
    covered = means(shown)
    mean = means(score * shown) / covered.clamp(min=SMALLEST_SHARE)
    return torch.where(covered > SMALLEST_SHARE, mean, unseen)


def spread(grid: Tensor, image: Tensor) -> Tensor:
    """A value per neighbourhood, brought to each pixel of a picture: (1, 1, H, W)."""
    return F.interpolate(grid, image.shape[-2:], mode="bilinear", align_corners=False)
