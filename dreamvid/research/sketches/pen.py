"""What a hand draws in one go: lines, arcs, boxes, bows; all as (points, 2) rows and columns."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dreamvid.research.sketches.strokes import Stroke

Point = tuple[float, float]  # row, column
_STEP = 0.04  # between points, so that a line can be bent


def line(*corners: Point) -> Stroke:
    """Straight from corner to corner."""
    pieces = [np.array(corners[:1], dtype=np.float64)]
    for start, end in pairwise(corners):
        count = max(2, math.ceil(math.dist(start, end) / _STEP))
        pieces.append(np.linspace(start, end, count + 1)[1:])
    return np.concatenate(pieces)


def shape(*corners: Point) -> Stroke:
    """As `line`, and back to where it began."""
    return line(*corners, corners[0])


def box(top: float, left: float, bottom: float, right: float) -> Stroke:
    """A rectangle, begun at its top left."""
    return shape((top, left), (top, right), (bottom, right), (bottom, left))


def arc(row: float, col: float, tall: float, wide: float, start: float = 0.0, turns: float = 1.0) -> Stroke:
    """Part of an ellipse of radii `tall` and `wide`: from `start`, in turns (0 right, 0.25 down), on by `turns`."""
    count = max(8, math.ceil(2 * math.pi * abs(turns) * max(tall, wide) / _STEP))
    angle = 2 * np.pi * np.linspace(start, start + turns, count)
    return np.stack([row + tall * np.sin(angle), col + wide * np.cos(angle)], axis=1)


def ring(row: float, col: float, radius: float) -> Stroke:
    """A circle, begun at its right."""
    return arc(row, col, radius, radius)


def bow(start: Point, over: Point, end: Point) -> Stroke:
    """A parabola from start to end, pulled towards `over` (a quadratic Bézier curve)."""
    at = np.linspace(0, 1, max(8, math.ceil((math.dist(start, over) + math.dist(over, end)) / _STEP)))[:, None]
    first, middle, last = np.array(start), np.array(over), np.array(end)
    bent: Stroke = (1 - at) ** 2 * first + 2 * at * (1 - at) * middle + at**2 * last
    return bent


def joined(*pieces: Stroke) -> Stroke:
    """Several pieces drawn without lifting the pen."""
    return np.concatenate(pieces)


def mirrored(stroke: Stroke) -> Stroke:
    """The same on the other side of column 0."""
    return stroke * np.array([1.0, -1.0])


def both(*strokes: Stroke) -> list[Stroke]:
    """Each stroke with its mirror image about column 0."""
    return [side for stroke in strokes for side in (stroke, mirrored(stroke))]


def spokes(row: float, col: float, inner: float, outer: float, angles: NDArray[np.float64]) -> list[Stroke]:
    """Lines away from a centre, at `angles` in radians (0 right, then down), between two radii."""
    ends = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return [line((row + inner * r, col + inner * c), (row + outer * r, col + outer * c)) for r, c in ends]


def maybe(rng: np.random.Generator, *strokes: Stroke, chance: float = 0.75) -> list[Stroke]:
    """These strokes, or none of them."""
    return list(strokes) if rng.random() < chance else []
