"""Receptive field of a unit at one place of its map, exact: the pixels that can change its activation."""

from bisect import bisect_left

import torch

from dreamvid.core.types import Box
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features.units import Unit, map_of


def receptive_field(net: PreparedNet, unit: Unit, place: tuple[int, int], size: tuple[int, int]) -> Box:
    """Return the pixels that influence `unit` at `place`, (row, column) of its map, in a picture of `size`, (H, W).

    NaN propagates from a pixel through every convolution, pooling and nonlinearity, whatever the weights, so the field
    is the smallest box that contains all pixels from which it reaches the unit. A larger set of NaN pixels reaches
    whatever a smaller one does, so each edge is found by bisection. The field is clipped at the picture's borders; for
    a unit that sees everything it is the whole picture. `net` must compute in float32 on the CPU, whose convolutions do
    not spread NaN over a block of outputs.
    """
    height, width = size

    def reached(rows: slice, columns: slice) -> bool:
        picture = torch.zeros(1, 3, height, width)
        picture[..., rows, columns] = float("nan")
        with torch.inference_mode():
            return bool(map_of(net(picture)[unit.layer], unit.number)[place].isnan())

    def first(length: int, axis: int, *, beyond: bool) -> int:
        """Return the least k such that the pixels from k on do not reach it (`beyond`), or those before k do."""

        def passed(k: int) -> bool:
            part = slice(k, None) if beyond else slice(0, k)
            return reached(*((part, slice(None)) if axis == 0 else (slice(None), part))) != beyond

        return bisect_left(range(length + 1), True, key=passed)

    return Box(
        first(height, 0, beyond=False) - 1,
        first(height, 0, beyond=True),
        first(width, 1, beyond=False) - 1,
        first(width, 1, beyond=True),
    )
