"""Primitive strokes: lines, arcs, boxes, curves; all as (points, 2) rows and columns."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dreamvid.research.sketches.strokes import Stroke

Point = tuple[float, float]  # row, column
_STEP = 0.04  # distance of points, so that a straight line can be bent later


def line(*corners: Point) -> Stroke:
    """Return straight lines from corner to corner."""
    pieces = [np.array(corners[:1], dtype=np.float64)]
    for start, end in pairwise(corners):
        count = max(2, math.ceil(math.dist(start, end) / _STEP))
        pieces.append(np.linspace(start, end, count + 1)[1:])
    return np.concatenate(pieces)


def shape(*corners: Point) -> Stroke:
    """Return `line` closed to its first corner."""
    return line(*corners, corners[0])


def box(top: float, left: float, bottom: float, right: float) -> Stroke:
    """Return a rectangle that starts at its top left."""
    return shape((top, left), (top, right), (bottom, right), (bottom, left))


def arc(row: float, col: float, tall: float, wide: float, start: float = 0.0, turns: float = 1.0) -> Stroke:
    """Return part of an ellipse with radii `tall` (rows) and `wide` (columns).

    It starts at `start`, in turns (0 right, 0.25 down), and covers `turns`; negative ones go back.
    """
    count = max(8, math.ceil(2 * math.pi * abs(turns) * max(tall, wide) / _STEP))
    angle = 2 * np.pi * np.linspace(start, start + turns, count)
    return np.stack([row + tall * np.sin(angle), col + wide * np.cos(angle)], axis=1)


def ring(row: float, col: float, radius: float) -> Stroke:
    """Return a circle that starts at its right."""
    return arc(row, col, radius, radius)


def bow(start: Point, over: Point, end: Point) -> Stroke:
    """Return a quadratic Bézier curve from start to end with the control point `over`."""
    at = np.linspace(0, 1, max(8, math.ceil((math.dist(start, over) + math.dist(over, end)) / _STEP)))[:, None]
    first, middle, last = np.array(start), np.array(over), np.array(end)
    bent: Stroke = (1 - at) ** 2 * first + 2 * at * (1 - at) * middle + at**2 * last
    return bent


def joined(*pieces: Stroke) -> Stroke:
    """Join several pieces into one stroke."""
    return np.concatenate(pieces)


def mirrored(stroke: Stroke) -> Stroke:
    """Mirror a stroke at column 0."""
    return stroke * np.array([1.0, -1.0])


def both(*strokes: Stroke) -> list[Stroke]:
    """Return each stroke followed by its mirror image at column 0."""
    return [side for stroke in strokes for side in (stroke, mirrored(stroke))]


def spokes(row: float, col: float, inner: float, outer: float, angles: NDArray[np.float64]) -> list[Stroke]:
    """Return radial lines between two radii around a centre, at `angles` in radians (0 right, then down)."""
    ends = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return [line((row + inner * r, col + inner * c), (row + outer * r, col + outer * c)) for r, c in ends]


def maybe(rng: np.random.Generator, *strokes: Stroke, chance: float = 0.75) -> list[Stroke]:
    """Return these strokes with the probability `chance`, otherwise none."""
    return list(strokes) if rng.random() < chance else []
