"""The receptive field of a unit at one place of its map: exactly the pixels that can change it."""

from bisect import bisect_left

import torch

from dreamvid.core.types import Box
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features.units import Unit, map_of


def receptive_field(net: PreparedNet, unit: Unit, place: tuple[int, int], size: tuple[int, int]) -> Box:
    """The box of pixels that reach `unit` at `place`, (row, column) of its map, in a picture of `size`, (H, W).

    NaN goes wherever a pixel's value goes, through every convolution, pooling and nonlinearity, whatever the weights:
    of all boundaries, the last that still lets NaN through is the field's. What reaches a unit from a set of pixels
    reaches it from a larger one, so each edge is found by bisection. At the picture's borders the field is clipped; a
    unit that sees everything has the whole picture. `net` computes in float32 on the CPU, whose convolutions do not
    smear NaN over a block of outputs.
    """
    height, width = size

    def reached(rows: slice, columns: slice) -> bool:
        picture = torch.zeros(1, 3, height, width)
        picture[..., rows, columns] = float("nan")
        with torch.inference_mode():
            return bool(map_of(net(picture)[unit.layer], unit.number)[place].isnan())

    def first(length: int, axis: int, *, beyond: bool) -> int:
        """The least k for which the pixels from k on reach nothing (`beyond`), or those before k something."""

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
