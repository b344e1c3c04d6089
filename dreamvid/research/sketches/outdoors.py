"""Buildings, vehicles, flying things and signs as strokes in the order in which a hand would draw them.

Each function draws proportions and counts from `rng` and leaves out parts at times; strokes are within about -1 to 1.
"""

from itertools import pairwise

import numpy as np

from dreamvid.research.sketches.pen import arc, both, bow, box, joined, line, maybe, ring, shape, spokes
from dreamvid.research.sketches.strokes import Stroke


def anchor(rng: np.random.Generator) -> list[Stroke]:
    """Draw ring, shank, stock and hook, mostly with barbs."""
    eye, wide, bar = rng.uniform(0.1, 0.17), rng.uniform(0.5, 0.75), rng.uniform(0.25, 0.4)
    hook = arc(0.35, 0, 0.5, wide, 0.02, 0.46)
    tips = line((0.6, wide - 0.02), (0.3, wide), (0.5, wide - 0.25))
    return [
        ring(-0.85 + eye, 0, eye),
        line((-0.85 + 2 * eye, 0), (0.85, 0)),
        line((-0.45, -bar), (-0.45, bar)),
        hook,
        *maybe(rng, *both(tips)),
    ]


def arrow(rng: np.random.Generator) -> list[Stroke]:
    """Draw a straight or bent shaft and a head that points right, at times with feathers."""
    head, wide = rng.uniform(0.3, 0.55), rng.uniform(0.25, 0.5)
    shaft = line((0, -0.9), (0, 0.9)) if rng.random() < 0.5 else bow((0, -0.9), (rng.uniform(-0.5, 0.5), 0), (0, 0.9))
    feathers = [line((0, col), (side * 0.22, col - 0.18)) for col in (-0.7, -0.55) for side in (-1, 1)]
    return [shaft, line((-wide, 0.9 - head), (0, 0.9), (wide, 0.9 - head)), *maybe(rng, *feathers, chance=0.6)]


def balloon(rng: np.random.Generator) -> list[Stroke]:
    """Draw a toy balloon with knot and string, at times with a highlight."""
    tall, wide, sway = rng.uniform(0.45, 0.6), rng.uniform(0.38, 0.52), rng.uniform(-0.35, 0.35)
    low = -0.95 + 2 * tall
    string = joined(bow((low + 0.1, 0), (low + 0.3, sway), (0.6, 0)), bow((0.6, 0), (0.8, -sway), (0.95, 0)))
    knot = shape((low, 0), (low + 0.1, -0.08), (low + 0.1, 0.08))
    shine = arc(-0.95 + tall, 0, 0.65 * tall, 0.65 * wide, 0.55, 0.15)
    return [arc(-0.95 + tall, 0, tall, wide, 0.25), knot, string, *maybe(rng, shine, chance=0.5)]


def bicycle(rng: np.random.Generator) -> list[Stroke]:
    """Draw wheels, frame, fork and handlebar, at times with saddle and spokes."""
    wheel, half = rng.uniform(0.3, 0.4), rng.uniform(0.5, 0.6)
    seat, front, crank = (-0.25, -0.25), (-0.2, half - 0.18), (0.35, rng.uniform(-0.1, 0.05))
    spoked = [spoke for col in (-half, half) for spoke in spokes(0.35, col, 0, wheel, np.arange(6) * np.pi / 3 + 0.2)]
    return [
        ring(0.35, -half, wheel),
        ring(0.35, half, wheel),
        line((0.35, -half), seat, front, crank, (0.35, -half)),
        line(crank, seat, (-0.38, -0.28)),
        line((0.35, half), front, (-0.5, half - 0.25)),
        line((-0.5, half - 0.4), (-0.5, half - 0.15)),
        *maybe(rng, line((-0.38, -0.42), (-0.38, -0.14))),
        *maybe(rng, *spoked, chance=0.35),
    ]


def boat(rng: np.random.Generator) -> list[Stroke]:
    """Draw a hull with mast and sail, at times with a jib and waves."""
    deck, keel, mast = rng.uniform(0.7, 0.95), rng.uniform(0.35, 0.6), rng.uniform(-0.2, 0.2)
    sail = shape((-0.85, mast + 0.06), (0.2, mast + 0.06), (0.2, mast + rng.uniform(0.45, 0.7)))
    jib = shape((-0.75, mast - 0.06), (0.2, mast - 0.06), (0.2, mast - rng.uniform(0.3, 0.5)))
    sea = [bow((0.9, col), (0.75, col + 0.2), (0.9, col + 0.4)) for col in (-0.8, -0.2, 0.4)]
    hull = shape((0.35, -deck), (0.35, deck), (0.75, keel), (0.75, -keel))
    return [hull, line((0.35, mast), (-0.9, mast)), sail, *maybe(rng, jib, chance=0.6), *maybe(rng, *sea, chance=0.5)]


def car(rng: np.random.Generator) -> list[Stroke]:
    """Draw a car that faces right, in side view: body and wheels, at times with windows, hubs and a door handle."""
    wheel, nose, roof = rng.uniform(0.15, 0.21), rng.uniform(0.3, 0.5), rng.uniform(-0.45, -0.3)
    body = shape(
        (0.35, -0.95), (0, -0.95), (-0.05, -0.6), (roof, -0.4), (roof, 0.25), (-0.02, nose), (0.05, 0.95), (0.35, 0.95)
    )
    windows = [
        shape((-0.04, -0.48), (roof + 0.1, -0.36), (roof + 0.1, -0.1), (-0.04, -0.1)),
        shape((-0.04, 0), (roof + 0.1, 0), (roof + 0.1, 0.2), (-0.04, nose - 0.1)),
    ]
    hubs = [ring(0.4, col, 0.4 * wheel) for col in (-0.55, 0.55)]
    return [
        body,
        ring(0.4, -0.55, wheel),
        ring(0.4, 0.55, wheel),
        *maybe(rng, *windows),
        *maybe(rng, *hubs, chance=0.4),
        *maybe(rng, line((0.1, -0.02), (0.1, 0.12)), chance=0.5),
    ]


def house(rng: np.random.Generator) -> list[Stroke]:
    """Draw walls and a gable roof, mostly with door and window, at times with a chimney."""
    wide, eaves, over = rng.uniform(0.5, 0.75), rng.uniform(-0.2, 0.05), rng.uniform(0, 0.2)
    door, col = rng.uniform(0.12, 0.18), rng.uniform(-0.25, 0.25)
    pane = 0.13
    window = [
        box(eaves + 0.15, -wide + 0.1, eaves + 0.15 + 2 * pane, -wide + 0.1 + 2 * pane),
        line((eaves + 0.15, -wide + 0.1 + pane), (eaves + 0.15 + 2 * pane, -wide + 0.1 + pane)),
    ]
    chimney = line((-0.45, 0.3), (-0.8, 0.3), (-0.8, 0.45), (-0.3, 0.45))
    return [
        box(eaves, -wide, 0.9, wide),
        line((eaves, -wide - over), (-0.85, 0), (eaves, wide + over)),
        *maybe(rng, box(0.4, col - door, 0.9, col + door), chance=0.85),
        *maybe(rng, *window),
        *maybe(rng, chimney, chance=0.5),
    ]


def kite(rng: np.random.Generator) -> list[Stroke]:
    """Draw a kite with its tail, mostly with the cross inside, at times with bows on the tail."""
    wide, waist, low = rng.uniform(0.4, 0.55), rng.uniform(-0.55, -0.35), rng.uniform(0.15, 0.35)
    tail = np.concatenate(
        [bow((low, 0), (low + 0.15, 0.25), (low + 0.3, 0)), bow((low + 0.3, 0), (low + 0.45, -0.25), (low + 0.6, 0.05))]
    )
    bows = [
        shape((row - 0.07, col - 0.1), (row + 0.07, col - 0.1), (row - 0.07, col + 0.1), (row + 0.07, col + 0.1))
        for row, col in ((low + 0.17, 0.12), (low + 0.43, -0.1))
    ]
    return [
        shape((-0.95, 0), (waist, wide), (low, 0), (waist, -wide)),
        *maybe(rng, line((-0.95, 0), (low, 0))),
        *maybe(rng, line((waist, -wide), (waist, wide))),
        tail,
        *maybe(rng, *bows, chance=0.6),
    ]


def ladder(rng: np.random.Generator) -> list[Stroke]:
    """Draw two rails, which may converge upwards, and four to eight rungs."""
    foot = rng.uniform(0.25, 0.38)
    top = foot * rng.uniform(0.6, 1)
    rows = np.linspace(-0.75, 0.75, rng.integers(4, 9))
    half = foot + (top - foot) * (0.95 - rows) / 1.9
    rungs = [line((row, -wide), (row, wide)) for row, wide in zip(rows, half, strict=True)]
    return [*both(line((0.95, -foot), (-0.95, -top))), *rungs[::-1]]


def spiral(rng: np.random.Generator) -> list[Stroke]:
    """Draw a spiral of 2.2 to 4.5 turns in one stroke, from the inside or from the outside."""
    turns, power = rng.uniform(2.2, 4.5), rng.uniform(0.8, 1.3)
    at = np.linspace(0, 1, 160)
    angle = 2 * np.pi * turns * at
    stroke = np.stack([0.9 * at**power * np.sin(angle), 0.9 * at**power * np.cos(angle)], axis=1)
    return [stroke if rng.random() < 0.5 else stroke[::-1]]


def tent(rng: np.random.Generator) -> list[Stroke]:
    """Draw a ridge tent in oblique view, at times with open flaps and pegs."""
    wide, peak, back = rng.uniform(0.4, 0.55), rng.uniform(-0.75, -0.5), rng.uniform(0.5, 0.8)
    left = -0.4
    front = shape((peak, left), (0.6, left - wide), (0.6, left + wide))
    flap = [bow((peak, left), (0.2, left), (0.6, left - 0.22)), bow((peak, left), (0.2, left), (0.6, left + 0.22))]
    pegs = [line((0.5, left - wide + 0.08), (0.72, left - wide - 0.12)), line((0.42, back + 0.12), (0.68, back + 0.25))]
    return [
        front,
        line((peak, left), (peak + 0.05, back - 0.25), (0.5, back + 0.15), (0.6, left + wide)),
        *maybe(rng, *flap, chance=0.8),
        *maybe(rng, *pegs, chance=0.5),
    ]


def umbrella(rng: np.random.Generator) -> list[Stroke]:
    """Draw a canopy with a scalloped hem and a stick, mostly with folds and a hooked handle."""
    wide, tall, ribs = rng.uniform(0.75, 0.95), rng.uniform(0.6, 0.8), int(rng.integers(3, 6))
    cols = np.linspace(-wide, wide, ribs + 1)
    hem = [bow((0, left), (-0.2, (left + right) / 2), (0, right)) for left, right in pairwise(cols)]
    folds = [bow((-tall, 0), (-0.6 * tall, 0.8 * col), (0, col)) for col in cols[1:-1]]
    hook = arc(0.75, 0.15, 0.18, 0.15, 0.5, -0.5)
    return [
        arc(0, 0, tall, wide, 0.5, 0.5),
        *hem,
        *maybe(rng, *folds, chance=0.6),
        line((-0.05, 0), (0.75, 0)),
        *maybe(rng, hook, chance=0.85),
    ]
