"""Household objects as strokes in the order in which a hand would draw them.

Each function draws proportions and counts from `rng` and leaves out parts at times; strokes are within about -1 to 1.
"""

from itertools import pairwise

import numpy as np

from dreamvid.research.sketches.pen import arc, both, bow, box, joined, line, maybe, ring, shape, spokes
from dreamvid.research.sketches.strokes import Stroke


def bottle(rng: np.random.Generator) -> list[Stroke]:
    """Draw neck, shoulders and body in one line per side, then foot, cap and, at times, a label."""
    wide, neck, shoulder = rng.uniform(0.24, 0.4), rng.uniform(0.08, 0.13), rng.uniform(-0.4, -0.1)
    side = joined(
        line((-0.8, neck), (shoulder - 0.2, neck)),
        bow((shoulder - 0.2, neck), (shoulder - 0.1, wide), (shoulder + 0.1, wide)),
        line((shoulder + 0.1, wide), (0.95, wide)),
    )
    label = box(shoulder + 0.35, -wide, shoulder + rng.uniform(0.65, 0.85), wide)
    return [
        *both(side),
        line((0.95, -wide), (0.95, wide)),
        box(-0.95, -neck - 0.02, -0.8, neck + 0.02),
        *maybe(rng, label, chance=0.6),
    ]


def candle(rng: np.random.Generator) -> list[Stroke]:
    """Draw stick, wick and flame; at times a dish with a handle, and a drop of wax."""
    wide, top = rng.uniform(0.14, 0.24), rng.uniform(-0.35, -0.1)
    flame = np.concatenate(
        [
            bow((top - 0.12, 0), (top - 0.25, -0.22), (top - 0.6, 0)),
            bow((top - 0.6, 0), (top - 0.25, 0.22), (top - 0.12, 0)),
        ]
    )
    dish = joined(line((0.75, -0.6), (0.75, 0.6)), arc(0.75, 0, 0.2, 0.6, 0, 0.5))
    ear = arc(0.75, 0.7, 0.12, 0.12)
    drop = bow((top, wide), (top + 0.45, wide + 0.12), (top + 0.25, wide - 0.1))
    return [
        box(top, -wide, 0.75, wide),
        line((top, 0), (top - 0.12, 0)),
        flame,
        *maybe(rng, dish, *maybe(rng, ear, chance=0.5), chance=0.7),
        *maybe(rng, drop, chance=0.4),
    ]


def chair(rng: np.random.Generator) -> list[Stroke]:
    """Draw seat, back and four legs in oblique view, at times with slats in the back."""
    wide, seat, back = rng.uniform(0.35, 0.5), rng.uniform(0, 0.2), rng.uniform(-0.95, -0.7)
    slats = [line((row, -wide), (row - 0.1, wide)) for row in np.linspace(back + 0.2, seat - 0.2, rng.integers(2, 4))]
    legs = [
        line((seat, -wide), (0.85, -wide)),
        line((seat + 0.2, wide - 0.2), (0.95, wide - 0.2)),
        line((seat - 0.02, wide + 0.12), (0.75, wide + 0.12)),
    ]
    hind = line((seat + 0.2, -wide - 0.25), (0.95, -wide - 0.25))
    plate = shape((seat, -wide), (seat, wide + 0.12), (seat + 0.2, wide - 0.2), (seat + 0.2, -wide - 0.25))
    return [
        plate,
        line((seat, -wide), (back, -wide), (back - 0.05, wide), (seat, wide)),
        *maybe(rng, *slats),
        *legs,
        hind,
    ]


def clock(rng: np.random.Generator) -> list[Stroke]:
    """Draw a face with two hands; at times 4 or 12 marks, and the bells and feet of an alarm clock."""
    radius, hour, minute = 0.85, *rng.uniform(0, 2 * np.pi, 2)
    marks = spokes(0, 0, 0.82 * radius, 0.95 * radius, np.arange(12) * np.pi / 6)
    hands = [*spokes(0, 0, 0, 0.45, np.array([hour])), *spokes(0, 0, 0, 0.65, np.array([minute]))]
    bells = both(arc(-0.85, 0.5, 0.16, 0.2)) + both(line((0.7, 0.5), (0.95, 0.65)))
    return [
        ring(0, 0, radius),
        *maybe(rng, *marks[:: rng.choice([1, 3])], chance=0.85),
        *hands,
        *maybe(rng, *bells, chance=0.4),
    ]


def crown(rng: np.random.Generator) -> list[Stroke]:
    """Draw three to five points over a band, at times with balls on the points and jewels in the band."""
    points, low, wide = int(rng.integers(3, 6)), rng.uniform(0.4, 0.6), rng.uniform(0.7, 0.9)
    cols = np.linspace(-wide, wide, points)
    valley = rng.uniform(-0.05, 0.15)
    zigzag = [(-0.55, float(cols[0]))]
    for left, right in pairwise(cols):
        zigzag += [(valley, float(left + right) / 2), (-0.55, float(right))]
    balls = [ring(-0.63, float(col), 0.08) for col in cols]
    foot = 0.85 * wide
    return [
        line((low, -foot), *zigzag, (low, foot)),
        line((low, -foot), (low, foot)),
        *maybe(rng, *balls),
        *maybe(rng, line((low - 0.18, -foot - 0.02), (low - 0.18, foot + 0.02)), chance=0.6),
        *maybe(rng, *(ring(low - 0.09, col, 0.05) for col in (-0.4, 0, 0.4)), chance=0.4),
    ]


def cup(rng: np.random.Generator) -> list[Stroke]:
    """Draw rim, walls and handle, at times with steam."""
    wide, foot, rim = rng.uniform(0.45, 0.6), rng.uniform(0.3, 0.45), rng.uniform(0.08, 0.16)
    walls = np.concatenate(
        [line((-0.4, -wide), (0.6, -foot)), arc(0.6, 0, rim, foot, 0.5, -0.5), line((0.6, foot), (-0.4, wide))]
    )
    handle = [arc(0.02, wide - 0.03, size, size, -0.22, 0.44) for size in (0.3, 0.2)]
    steam = [
        joined(bow((-0.6, c), (-0.7, c + 0.12), (-0.78, c)), bow((-0.78, c), (-0.86, c - 0.12), (-0.95, c)))
        for c in (-0.2, 0.15)
    ]
    return [arc(-0.4, 0, rim, wide), walls, *handle, *maybe(rng, *steam, chance=0.5)]


def envelope(rng: np.random.Generator) -> list[Stroke]:
    """Draw a rectangle with a flap, at times with folds and a stamp."""
    tall, flap = rng.uniform(0.5, 0.65), rng.uniform(-0.05, 0.25)
    folds = both(line((tall, 0.9), (flap - 0.1, 0.15)))
    stamp = box(-tall + 0.1, 0.55, -tall + 0.4, 0.8)
    return [
        box(-tall, -0.9, tall, 0.9),
        line((-tall, -0.9), (flap, 0), (-tall, 0.9)),
        *maybe(rng, *folds, chance=0.5),
        *maybe(rng, stamp, chance=0.3),
    ]


def glasses(rng: np.random.Generator) -> list[Stroke]:
    """Draw two round or rectangular lenses with a bridge, mostly with temples."""
    tall, wide, gap = rng.uniform(0.26, 0.38), rng.uniform(0.32, 0.4), rng.uniform(0.08, 0.14)
    round_ = rng.random() < 0.6
    lens = arc(0, gap + wide, tall, wide) if round_ else box(-tall, gap, tall, gap + 2 * wide)
    temples = both(line((-0.1, gap + 2 * wide), (-0.4, gap + 2 * wide + 0.1)))
    return [*both(lens), bow((0, -gap), (-0.18, 0), (0, gap)), *maybe(rng, *temples, chance=0.8)]


def ice_cream(rng: np.random.Generator) -> list[Stroke]:
    """Draw a cone with a scoop, at times with a second scoop and a waffle pattern."""
    wide, top = rng.uniform(0.32, 0.42), rng.uniform(-0.15, 0.05)
    waffle = [
        line((top, c), (top + 0.75 * (1 - abs(c) / wide), c * 0.2 + d))
        for c, d in ((-0.15, 0.12), (0.15, -0.12), (0, 0.1))
    ]
    second = arc(top - rng.uniform(0.5, 0.6), 0, 0.28, 0.8 * wide, 0.45, 0.6)
    return [
        line((top, -wide), (0.95, 0), (top, wide)),
        line((top, -wide), (top, wide)),
        arc(top, 0, 0.42, wide, 0.5, 0.5),
        *maybe(rng, second, chance=0.5),
        *maybe(rng, *waffle, chance=0.6),
    ]


def key(rng: np.random.Generator) -> list[Stroke]:
    """Draw a ring, a shaft and two or three teeth, at times with a hole in the ring."""
    bow_, teeth = rng.uniform(0.24, 0.34), rng.uniform(0.15, 0.28)
    start = -0.95 + 2 * bow_
    cuts = [
        line((0, col), (teeth, col)) for col in np.linspace(0.9, 0.9 - 0.17 * rng.integers(1, 4), rng.integers(2, 4))
    ]
    return [
        ring(0, -0.95 + bow_, bow_),
        line((0, start), (0, 0.95)),
        *cuts,
        *maybe(rng, ring(0, -0.95 + bow_, 0.5 * bow_), chance=0.5),
    ]


def lamp(rng: np.random.Generator) -> list[Stroke]:
    """Draw a table lamp: shade, stem and foot, at times with cord and rays."""
    top, low, hem = rng.uniform(0.15, 0.3), rng.uniform(0.45, 0.65), rng.uniform(-0.35, -0.15)
    cord = line((hem, low - 0.15), (hem + 0.3, low - 0.15))
    rays = [line((hem + 0.1, col), (hem + 0.35, 1.5 * col)) for col in (-0.35, 0.35)]
    return [
        shape((-0.9, -top), (-0.9, top), (hem, low), (hem, -low)),
        *both(line((hem, 0.05), (0.75, 0.05))),
        shape((0.75, -0.3), (0.75, 0.3), (0.92, 0.4), (0.92, -0.4)),
        *maybe(rng, cord, chance=0.4),
        *maybe(rng, *rays, chance=0.4),
    ]


def table(rng: np.random.Generator) -> list[Stroke]:
    """Draw a table top in oblique view with two or four legs, at times with a vase."""
    top, wide, lean = rng.uniform(-0.4, -0.1), rng.uniform(0.65, 0.8), rng.uniform(0.1, 0.25)
    plate = shape((top, -wide), (top, wide + lean), (top + 0.3, wide - lean + 0.05), (top + 0.3, -wide - lean))
    front = [line((top + 0.3, col), (0.8, col)) for col in (-wide - 0.5 * lean, wide - 1.5 * lean)]
    back = [line((top + 0.3, col), (0.6, col)) for col in (-wide + 0.2,)] + [
        line((top + 0.06, wide + 0.6 * lean), (0.6, wide + 0.6 * lean))
    ]
    vase = [shape((top + 0.1, -0.1), (top - 0.25, -0.14), (top - 0.25, 0.14), (top + 0.1, 0.1))]
    return [plate, *front, *maybe(rng, *back, chance=0.8), *maybe(rng, *vase, chance=0.25)]
