"""Dreams of one unit on larger and larger pictures, and without borders, to see whether its pattern comes from borders.

Zero padding shows a net where the border is. With circular padding there is none: the random shifts of a dream are
circular already, so every place of the picture is equivalent. A unit that is inactive on plain grey shows the effect:
its pattern grows from the border, and on a large picture has not reached the centre after the last step.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from dreamvid.analysis.contact_sheet import Cell, sheet, stacked
from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.dream.deepdream import to_tensor
from dreamvid.models.net import Net
from dreamvid.research.features.feature_session import FeatureSession, beginning, of_unit, picture
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.photos import fitted
from dreamvid.research.features.units import Unit, map_of

DISPLAY_SIDE = 448  # short side at which a whole picture is shown, in pixels


@dataclass(frozen=True)
class Evenness:
    """Ratios of corners to centre over equal areas, and the repetition of the pattern.

    `activation`: ratio of the unit's mean; `contrast`: ratio of the luminance's standard deviation; `repeats`: highest
    autocorrelation outside the central peak, in [-1, 1]; `period`: its distance, in pixels.
    """

    activation: float
    contrast: float
    repeats: float
    period: float


def infinite(session: FeatureSession, unit: Unit, sides: Sequence[int], circular_side: int) -> Finding:
    """Dream one unit at several sizes, and with circular padding; below each, show its centre and upper left corner."""
    wrapped = replace(session, net=circular(session.net))
    cells, rows = [], []
    for where, side, name in [*((session, side, str(side)) for side in sides), (wrapped, circular_side, "circular")]:
        dreamer = where.dreamer(of_unit(unit))
        made = picture(dreamer, beginning(dreamer, side, side))
        even = evenness(map_of(dreamer.net(to_tensor(to_float(made), dreamer))[unit.layer], unit.number), made)
        part = min(sides) // 2
        middle = slice((side - part) // 2, (side + part) // 2)
        below = np.hstack([made[middle, middle], made[:part, :part]])
        cells.append(Cell(f"{name}: corners / centre {even.activation:.2f}", stacked([_small(made), below])))
        rows.append({"picture": name, "side": side, **vars(even)})
    said = (
        f"{row['picture']}: corners / centre {row['activation']:.2f} in activation, {row['contrast']:.2f} in contrast; "
        f"repeats by {row['repeats']:.2f} every {row['period']:.0f} pixels"
        for row in rows
    )
    return Finding({"": sheet(cells, len(cells))}, tuple(said), {"unit": str(unit), "pictures": rows}, rows)


def circular(net: Net) -> Net:
    """Return a copy of the net with circular padding in convolutions and poolings; the weights are the same."""
    module = copy.deepcopy(net.module)
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.Conv2d):
            part.padding_mode = "circular"
        elif isinstance(part, nn.MaxPool2d | nn.AvgPool2d) and part.padding not in (0, (0, 0)):
            rows, columns = part.padding if isinstance(part.padding, tuple) else (part.padding, part.padding)
            bare = copy.copy(part)
            bare.padding = 0
            module.set_submodule(name, nn.Sequential(nn.CircularPad2d((columns, columns, rows, rows)), bare))
    return replace(net, module=module)


def evenness(activation: Tensor, made: Pixels) -> Evenness:
    """Compare corners and centre of a unit's map, (h, w), and of its picture, H x W x 3.

    A corner has a quarter of the height and width, the centre half of each: four corners cover the area of the centre.
    """
    grey = to_float(made).mean(axis=2)
    values = activation.detach().cpu().numpy()
    repeats, period = _repetition(grey)
    return Evenness(
        _ratio([float(part.mean()) for part in _corners(values)], float(_centre(values).mean())),
        _ratio([float(part.std()) for part in _corners(grey)], float(_centre(grey).std())),
        repeats,
        period,
    )


def _ratio(corners: list[float], centre: float) -> float:
    return float(np.mean(corners)) / centre if centre else float("inf")


def _corners(values: Image) -> list[Image]:
    rows, columns = (max(1, length // 4) for length in values.shape)
    return [
        part[:, side] for part in (values[:rows], values[-rows:]) for side in (slice(columns), slice(-columns, None))
    ]


def _centre(values: Image) -> Image:
    (top, bottom), (left, right) = ((length // 4, length - length // 4) for length in values.shape)
    return values[top:bottom, left:right]


def _repetition(grey: Image) -> tuple[float, float]:
    """Return the highest autocorrelation, and its distance in pixels, outside the central peak.

    The peak ends at the first ring whose mean is not positive.
    """
    height, width = grey.shape
    spectrum = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    found = np.fft.ifft2(spectrum).real
    found /= found[0, 0] or 1.0
    distance = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None, :] * width)
    ring = np.rint(distance).astype(int)
    mean = np.bincount(ring.ravel(), found.ravel()) / np.maximum(1, np.bincount(ring.ravel()))
    below = np.flatnonzero(mean <= 0)
    beyond = np.where(ring >= (below[0] if below.size else ring.max()), found, -1.0)
    best = float(beyond.max())
    return best, float(distance[beyond >= 0.99 * best].min())  # the nearest of nearly equal maxima


def _small(made: Pixels) -> Pixels:
    return fitted(made, DISPLAY_SIDE)
