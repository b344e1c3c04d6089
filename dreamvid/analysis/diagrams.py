"""Diagrams of a page: lines over the frames of a film, as SVG that is as wide as there is room.

A drawing is stretched; what is written stands beside it, in HTML, and keeps its size. Colours are the page's.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

WIDTH, HEIGHT = 1000, 100  # of a drawing, in its own units
MOST = 1500  # points of a line: of more, the lowest and the highest of neighbours

Value = tuple[int, float | None]  # frame of the film; None: where there is none
Point = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """A line over frames: `lines`, its parts as points of SVG; `top`: what the highest place means, the lowest is 0.

    `title`, `about`: what is drawn; `words`: the same in a sentence.
    """

    title: str
    about: str
    words: str
    lines: tuple[str, ...]
    top: str


@dataclass(frozen=True)
class Marks:
    """Places in every diagram, as shares of its width: cuts, frames dreamed anew, and flashes from one to another."""

    cuts: tuple[float, ...] = ()
    anew: tuple[float, ...] = ()
    flashes: tuple[tuple[float, float], ...] = ()


def across(frame: int, count: int) -> float:
    """Return where a frame of `count` is, in units of the drawing: the middle of its share of the width."""
    return round((frame + 0.5) / count * WIDTH, 2)


def draw(title: str, about: str, values: Sequence[Value], count: int, *, unit: str = "", highest: float = 0) -> Diagram:
    """Draw values over `count` frames; the line is broken where there is none.

    `unit` follows each number; `highest`: of the scale, 0: what the values need.
    """
    known = [value for _, value in values if value is not None]
    if not known:
        return Diagram(title, about, f"{title}: there is nothing to measure", (), "")
    top = highest or _round_above(max(known))
    runs = (list(run) for there, run in groupby(values, lambda value: value[1] is not None) if there)
    lines = tuple(
        " ".join(f"{across(frame, count):g},{_up(value, top):g}" for frame, value in _thinned(run, len(values)))
        for run in runs
    )
    highest_known = max(known)
    low, high, mean = (f"{_number(value, top)}{unit}" for value in (min(known), highest_known, float(np.mean(known))))
    where = next(frame for frame, value in values if value == highest_known)
    words = f"{title} of each frame: from {low} to {high} (frame {where}), {mean} on average"
    return Diagram(title, about, words, lines, f"{top:g}{unit}")


def _thinned(run: Sequence[Value], of: int) -> Iterator[tuple[int, float]]:
    """Yield the points of an unbroken line: few enough, two at least, of a line of `of` values in all."""
    points = [(frame, value) for frame, value in run if value is not None]
    each = max(1, math.ceil(2 * of / MOST)) if of > MOST else 1
    if len(points) == 1:
        points *= 2  # a line of one point is not drawn
    for first in range(0, len(points), each):
        some = points[first : first + each]
        ends = {min(some, key=_height), max(some, key=_height)} if each > 1 else some
        yield from sorted(ends)


def _height(point: tuple[int, float]) -> float:
    return point[1]


def _up(value: float, top: float) -> float:
    return round(HEIGHT * (1 - min(value / top, 1)), 2)


def _round_above(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... and their tenths that is no smaller; 1 where a value is 0."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((step * unit for step in (1, 2, 5) if step * unit >= value), 10 * unit)


def _number(value: float, top: float) -> str:
    """Format a value with as many digits as its scale has use for."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(top)))}f}"
