"""Sketches as strokes in drawing order: splitting into parts, rendering to one channel or six.

After Yu et al. 2015, "Sketch-a-Net that Beats Humans", sections 3.2 and 3.3.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dreamvid.core.errors import SettingsError
from dreamvid.media import opencv

Stroke = NDArray[np.float64]  # (points, 2): rows and columns, -1 to 1 from edge to edge of the paper
Strokes = Sequence[Stroke]
Order = Literal["drawn", "long first"]
SIDE = 256  # pixels a side of a rendered sketch
PARTS = (2, 5)  # fewest and most parts of `split`
CHANNELS = ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2))  # parts in each channel of the 6-channel form
_FINE = 4  # fractional bits of OpenCV's drawing coordinates


def length(stroke: Stroke) -> float:
    """Return the length of a stroke, in the units of its coordinates."""
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def split(strokes: Strokes, parts: int, order: Order = "drawn") -> list[list[Stroke]]:
    """Split a sketch into 2 to 5 `parts` with equal numbers of strokes; the first ones have one more if needed.

    `drawn` keeps the strokes in their order, `long first` sorts them by falling length. Where there are fewer strokes
    than parts, the last parts are empty. Raises SettingsError for another number of parts.
    """
    if not PARTS[0] <= parts <= PARTS[1]:
        raise SettingsError(f"a sketch is split in {PARTS[0]} to {PARTS[1]} parts, not {parts}")
    ordered = list(strokes) if order == "drawn" else sorted(strokes, key=length, reverse=True)
    ends = [round(end) for end in np.cumsum([len(some) for some in np.array_split(np.arange(len(ordered)), parts)])]
    return [ordered[first:last] for first, last in pairwise([0, *ends])]


def render(strokes: Strokes, side: int = SIDE, width: float = 3.0) -> NDArray[np.uint8]:
    """Render a sketch as a grey picture (side, side): black lines on white paper, anti-aliased.

    `width`: OpenCV's thickness, rounded. Its anti-aliased lines are wider than that: 1, 2, 3 and 8 cover 1.3, 3.5, 5.4
    and 9.5 pixels.
    """
    cv2 = opencv.load()
    paper = np.full((side, side), 255, np.uint8)
    for stroke in strokes:
        pixels = (stroke[:, ::-1] + 1) * (side / 2) - 0.5  # OpenCV takes (column, row)
        lines = np.round(pixels * 2**_FINE).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(paper, [lines], False, 0, max(1, round(width)), cv2.LINE_AA, _FINE)
    return paper


def six_channels(strokes: Strokes, side: int = SIDE, width: float = 3.0, order: Order = "drawn") -> NDArray[np.uint8]:
    """Render a sketch with its stroke order, (6, side, side): three parts and successive combinations of them.

    The channels are the parts 1, 2, 3, the pairs 1+2 and 2+3, and the whole. The paper has three parts, "pairwise
    combinations of two parts" and the original sketch in six channels: that leaves room for two of the three pairs,
    here those of consecutive parts.
    """
    parts = split(strokes, 3, order)
    return np.stack([render([stroke for part in some for stroke in parts[part]], side, width) for some in CHANNELS])
