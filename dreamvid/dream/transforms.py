"""Random transforms of the picture before a gradient step: shift (jitter), rotation, scaling; and their transposes."""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings

JITTER = 16  # pixels: default of the largest random shift


def shaken(
    size: tuple[int, int], settings: DreamSettings, random: np.random.Generator
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Draw a random shift, rotation and scaling; return it and its transpose, as functions of (1, C, H, W).

    The transpose maps a gradient on the transformed picture back to the picture, by the chain rule; fields of scores
    are mapped back by it as well.
    """
    reach = JITTER if settings.jitter is None else settings.jitter
    shift = tuple(int(by) for by in random.integers(-reach, reach, size=2, endpoint=True))
    unshift = (-shift[0], -shift[1])
    if not (settings.turn_jitter or settings.zoom_jitter):
        return (lambda part: part.roll(shift, (-2, -1))), (lambda part: part.roll(unshift, (-2, -1)))
    angle = math.radians(random.uniform(-settings.turn_jitter, settings.turn_jitter))
    factor = 1 + random.uniform(-settings.zoom_jitter, settings.zoom_jitter)
    rows, columns = size
    cosine, sine = math.cos(angle) * factor, math.sin(angle) * factor
    matrix = torch.tensor([[[cosine, -sine * rows / columns, 0], [sine * columns / rows, cosine, 0]]])

    def rotated(part: Tensor) -> Tensor:
        grid = F.affine_grid(matrix.to(part), [1, part.shape[1], rows, columns], align_corners=False)
        return F.grid_sample(part, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def there(part: Tensor) -> Tensor:
        return rotated(part.roll(shift, (-2, -1)))

    def back(part: Tensor) -> Tensor:
        place = torch.zeros_like(part, requires_grad=True)
        (result,) = torch.autograd.grad(there(place), place, part)
        return result

    return there, back
