"""Plants, animals, faces and celestial bodies as strokes in the order in which a hand would draw them.

Each function draws proportions and counts from `rng` and leaves out parts at times; strokes are within about -1 to 1.
"""

import numpy as np

from dreamvid.research.sketches.pen import arc, both, bow, box, joined, line, maybe, mirrored, ring, shape, spokes
from dreamvid.research.sketches.strokes import Stroke


def butterfly(rng: np.random.Generator) -> list[Stroke]:
    """Draw a body and two pairs of wings, at times with feelers and spots."""
    top, low = rng.uniform(0.35, 0.48), rng.uniform(0.25, 0.36)
    upper = arc(-0.35, 0.08 + top, rng.uniform(0.35, 0.5), top, 0.5)
    lower = arc(0.4, 0.08 + low, rng.uniform(0.3, 0.4), low, 0.5)
    spots = both(ring(-0.35, 0.1 + top, 0.13), ring(0.4, 0.1 + low, 0.1))
    feelers = both(bow((-0.5, 0.02), (-0.8, 0.05), (-0.95, rng.uniform(0.15, 0.35))))
    return [arc(0, 0, 0.55, 0.08), *both(upper, lower), *maybe(rng, *feelers), *maybe(rng, *spots, chance=0.5)]


def cactus(rng: np.random.Generator) -> list[Stroke]:
    """Draw a trunk with one or two bent arms, at times with a pot and needles."""
    wide = rng.uniform(0.14, 0.2)
    trunk = np.concatenate(
        [line((0.6, -wide), (-0.7, -wide)), arc(-0.7, 0, 0.2, wide, 0.5, 0.5), line((-0.7, wide), (0.6, wide))]
    )

    def arm(row: float, reach: float) -> Stroke:
        return joined(
            line((row + 0.2, wide), (row + 0.2, reach + 0.1)),
            arc(row, reach + 0.1, 0.2, 0.12, 0.25, -0.25),
            line((row, reach + 0.22), (row - 0.3, reach + 0.22)),
            arc(row - 0.3, reach + 0.12, 0.1, 0.1, 0, -0.5),
            line((row - 0.3, reach + 0.02), (row, reach + 0.02), (row, wide)),
        )

    pot = shape((0.6, -0.38), (0.6, 0.38), (0.95, 0.28), (0.95, -0.28))
    arms = [arm(rng.uniform(-0.3, 0.2), rng.uniform(0.3, 0.45)), mirrored(arm(rng.uniform(-0.3, 0.2), 0.35))]
    needles = [line((row, col), (row - 0.08, col)) for row in (-0.5, -0.2, 0.1, 0.4) for col in (-0.06, 0.07)]
    kept = arms if rng.random() < 0.7 else arms[:1]
    return [trunk, *kept, *maybe(rng, pot, chance=0.7), *maybe(rng, *needles, chance=0.5)]


def cat(rng: np.random.Generator) -> list[Stroke]:
    """Draw a cat's head: ears and nose, mostly with eyes, mouth and whiskers."""
    wide, ear = rng.uniform(0.55, 0.75), rng.uniform(0.35, 0.5)
    ears = both(line((-0.28, 0.85 * wide), (-0.28 - ear - 0.2, 0.85 * wide), (-0.45, 0.35 * wide)))
    whiskers = both(*(line((0.22 + 0.06 * k, 0.25), (0.15 + 0.14 * k, 0.95)) for k in (0, 1, 2)))
    eyes = both(arc(0, 0.4 * wide, 0.1, 0.12))
    mouth = both(bow((0.3, 0), (0.5, 0.1), (0.4, 0.2)))
    return [
        arc(0.15, 0, 0.58, wide),
        *ears,
        *maybe(rng, *eyes, chance=0.85),
        shape((0.2, -0.08), (0.2, 0.08), (0.3, 0)),
        *maybe(rng, *mouth),
        *maybe(rng, *whiskers, chance=0.8),
    ]


def face(rng: np.random.Generator) -> list[Stroke]:
    """Draw a face with eyes and a smile, at times with nose, ears and hair."""
    tall, wide, eye = rng.uniform(0.75, 0.92), rng.uniform(0.6, 0.8), rng.uniform(0.05, 0.12)
    mouth = rng.uniform(0.3, 0.45)
    hair = [line((-0.9 * tall, col), (-tall - 0.12, 1.4 * col)) for col in np.linspace(-0.35, 0.35, rng.integers(4, 8))]
    return [
        arc(0, 0, tall, wide, 0.75),
        *both(ring(-0.25, 0.3, eye)),
        *maybe(rng, line((-0.1, 0), (0.15, -0.08), (0.15, 0.04))),
        bow((mouth, -0.3), (mouth + rng.uniform(0.1, 0.35), 0), (mouth, 0.3)),
        *maybe(rng, *both(arc(-0.05, wide, 0.15, 0.1, -0.25, 0.5)), chance=0.6),
        *maybe(rng, *hair, chance=0.6),
    ]


def fish(rng: np.random.Generator) -> list[Stroke]:
    """Draw a fish that looks left: back, belly and tail, at times with eye, gill, fin and scales."""
    tall, tail = rng.uniform(0.32, 0.5), rng.uniform(0.25, 0.4)
    back, belly = bow((0, -0.85), (-2 * tall, -0.1), (0, 0.55)), bow((0, -0.85), (2 * tall, -0.1), (0, 0.55))
    scales = [arc(row, col, 0.1, 0.08, 0.75, 0.5) for row, col in ((-0.1, 0), (0.1, 0), (0, 0.17), (0, -0.15))]
    return [
        back,
        belly,
        line((0, 0.55), (-tail, 0.92), (tail, 0.92), (0, 0.55)),
        *maybe(rng, ring(-0.1, -0.55, 0.06)),
        *maybe(rng, arc(0, -0.5, 0.25, 0.15, -0.2, 0.4), chance=0.6),
        *maybe(rng, line((-0.9 * tall, -0.3), (-tall - 0.2, 0), (-0.8 * tall, 0.1)), chance=0.6),
        *maybe(rng, *scales, chance=0.4),
    ]


def flower(rng: np.random.Generator) -> list[Stroke]:
    """Draw a heart with five to eight petals on a stem, at times with leaves."""
    petals, heart = int(rng.integers(5, 9)), rng.uniform(0.12, 0.18)
    reach = rng.uniform(0.2, 0.26)
    angles = np.arange(petals) * 2 * np.pi / petals + rng.uniform(0, 1)
    crown_ = [
        ring(-0.45 + (heart + reach * 0.7) * np.sin(a), (heart + reach * 0.7) * np.cos(a), reach * 4.2 / petals)
        for a in angles
    ]
    leaf_ = joined(bow((0.65, 0), (0.3, 0.25), (0.35, 0.5)), bow((0.35, 0.5), (0.65, 0.4), (0.65, 0)))
    stem = bow((-0.45 + heart + reach, 0), (0.4, rng.uniform(-0.15, 0.15)), (0.95, 0))
    return [ring(-0.45, 0, heart), *crown_, stem, *maybe(rng, leaf_), *maybe(rng, mirrored(leaf_), chance=0.5)]


def heart(rng: np.random.Generator) -> list[Stroke]:
    """Draw a heart in two mirrored halves, at times with an arrow through it."""
    wide, dip = rng.uniform(0.4, 0.48), rng.uniform(-0.45, -0.25)
    half = np.concatenate(
        [arc(dip, wide, rng.uniform(0.38, 0.5), wide, 0.5, 0.5), bow((dip, 2 * wide), (dip + 0.55, 2 * wide), (0.9, 0))]
    )
    pierced = [line((0.35, -0.95), (-0.3, 0.95)), line((-0.38, 0.75), (-0.3, 0.95), (-0.12, 0.85))]
    return [half, mirrored(half), *maybe(rng, *pierced, chance=0.25)]


def leaf(rng: np.random.Generator) -> list[Stroke]:
    """Draw two edges and a midrib with its stalk, mostly with veins."""
    wide = rng.uniform(0.6, 1.0)
    edge = [bow((0.6, 0), (0, wide), (-0.95, 0)), bow((0.6, 0), (0, -wide), (-0.95, 0))]
    rows = np.linspace(0.3, -0.5, rng.integers(3, 6))
    veins = [line((row, 0), (row - 0.2, side * 0.3 * wide)) for row in rows for side in (-1, 1)]
    return [*edge, line((0.95, rng.uniform(-0.15, 0.15)), (0.6, 0), (-0.7, 0)), *maybe(rng, *veins, chance=0.8)]


def moon(rng: np.random.Generator) -> list[Stroke]:
    """Draw a crescent, at times with two stars, and with eye and mouth."""
    thick = rng.uniform(0.35, 0.75)
    outer, inner = arc(0, 0.3, 0.9, 0.9, 0.75, -0.5), arc(0, 0.3, 0.9, 0.9 * (1 - thick), 0.75, -0.5)
    stars = [line((r - 0.1, c), (r + 0.1, c)) for r, c in ((-0.3, 0.5), (0.35, 0.6))]
    stars += [line((r, c - 0.1), (r, c + 0.1)) for r, c in ((-0.3, 0.5), (0.35, 0.6))]
    nose = [ring(-0.25, -0.45 + 0.2 * thick, 0.05), bow((0.3, -0.4), (0.42, -0.3), (0.3, -0.15))]
    return [outer, inner, *maybe(rng, *stars, chance=0.4), *maybe(rng, *nose, chance=0.3)]


def mushroom(rng: np.random.Generator) -> list[Stroke]:
    """Draw a cap and a stem, mostly with three dots on the cap."""
    wide, tall, stem = rng.uniform(0.65, 0.9), rng.uniform(0.6, 0.85), rng.uniform(0.14, 0.24)
    cap = joined(arc(0, 0, tall, wide, 0.5, 0.5), bow((0, wide), (0.2, 0), (0, -wide)))
    foot = joined(
        bow((0.1, -stem), (0.5, -stem), (0.85, -stem - 0.08)),
        bow((0.85, -stem - 0.08), (0.98, 0), (0.85, stem + 0.08)),
        bow((0.85, stem + 0.08), (0.5, stem), (0.1, stem)),
    )
    dots = [
        ring(row * tall, col * wide, rng.uniform(0.07, 0.12)) for row, col in ((-0.35, -0.45), (-0.6, 0.1), (-0.3, 0.5))
    ]
    return [cap, foot, *maybe(rng, *dots)]


def snail(rng: np.random.Generator) -> list[Stroke]:
    """Draw a spiral shell and a body that faces left, mostly with horns."""
    turns, size = rng.uniform(1.8, 2.8), rng.uniform(0.45, 0.55)
    angle = np.linspace(0.25, 0.25 + turns, 90) * 2 * np.pi
    radius = np.linspace(size, 0.05, 90)
    shell = np.stack([0.05 + radius * np.sin(angle), 0.2 + radius * np.cos(angle)], axis=1)
    body = joined(
        line((0.6, 0.95), (0.6, -0.4)),
        bow((0.6, -0.4), (0.6, -0.8), (0.05, -0.8)),
        arc(0.0, -0.65, 0.15, 0.15, 0.5, 0.5),
        bow((0.05, -0.5), (0.4, -0.5), (0.42, -0.2)),
    )
    horns = [line((-0.12, -0.72), (-0.5, -0.85)), line((-0.13, -0.6), (-0.5, -0.5))]
    return [shell, body, *maybe(rng, *horns, chance=0.85)]


def snowman(rng: np.random.Generator) -> list[Stroke]:
    """Draw three balls, mostly with hat, arms, eyes and nose, and buttons."""
    low, mid, top = rng.uniform(0.36, 0.44), rng.uniform(0.26, 0.32), rng.uniform(0.18, 0.23)
    chest = 0.95 - 2 * low - mid
    head = chest - mid - top
    hat = [
        line((head - 0.8 * top, -0.28), (head - 0.8 * top, 0.28)),
        box(head - 0.8 * top - 0.25, -0.17, head - 0.8 * top, 0.17),
    ]
    arms = both(line((chest, mid), (chest - rng.uniform(-0.1, 0.25), mid + 0.4)))
    looks = [*both(ring(head - 0.05, 0.08, 0.02)), line((head + 0.02, 0), (head + 0.06, 0.25))]
    buttons = [ring(chest + step, 0, 0.03) for step in (-0.12, 0, 0.12)]
    return [
        ring(0.95 - low, 0, low),
        ring(chest, 0, mid),
        ring(head, 0, top),
        *maybe(rng, *hat),
        *maybe(rng, *arms),
        *maybe(rng, *looks),
        *maybe(rng, *buttons, chance=0.6),
    ]


def spider(rng: np.random.Generator) -> list[Stroke]:
    """Draw a body and a head with eight bent legs, at times with eyes and a thread."""
    body, knee = rng.uniform(0.22, 0.32), rng.uniform(0.4, 0.5)
    legs = []
    for slope in (-0.55, -0.2, 0.15, 0.5):
        legs += both(line((0.3 * slope, 0.8 * body), (slope - 0.25, knee), (slope + rng.uniform(0.1, 0.35), 0.92)))
    eyes = both(ring(-0.42, 0.06, 0.03))
    return [
        arc(0.1, 0, 1.2 * body, body),
        ring(-0.4, 0, 0.16),
        *legs,
        *maybe(rng, *eyes, chance=0.5),
        *maybe(rng, line((-0.55, 0), (-0.98, 0)), chance=0.4),
    ]


def star(rng: np.random.Generator) -> list[Stroke]:
    """Draw a star of five or six points: its outline, or five points as one line through the middle."""
    points, inner = int(rng.integers(5, 7)), rng.uniform(0.32, 0.5)
    if points == 5 and rng.random() < 0.5:  # a pentagram in one stroke
        angles = np.arange(5) * 4 * np.pi / 5 - np.pi / 2
        return [shape(*((0.9 * np.sin(a), 0.9 * np.cos(a)) for a in angles))]
    angles = np.arange(2 * points) * np.pi / points - np.pi / 2
    reach = np.where(np.arange(2 * points) % 2, 0.9 * inner, 0.9)
    return [shape(*((r * np.sin(a), r * np.cos(a)) for r, a in zip(reach, angles, strict=True)))]


def sun(rng: np.random.Generator) -> list[Stroke]:
    """Draw a disc with 8 to 15 rays, at times with a smile."""
    radius, rays = rng.uniform(0.35, 0.5), int(rng.integers(8, 16))
    angles = np.arange(rays) * 2 * np.pi / rays + rng.uniform(0, 1)
    smile = [*both(ring(-0.1, 0.14, 0.04)), bow((0.1, -0.18), (0.28, 0), (0.1, 0.18))]
    return [
        ring(0, 0, radius),
        *spokes(0, 0, radius + 0.1, rng.uniform(0.8, 0.95), angles),
        *maybe(rng, *smile, chance=0.4),
    ]


def tree(rng: np.random.Generator) -> list[Stroke]:
    """Draw a trunk and a crown with a lobed outline, at times with branches and fruit."""
    trunk, crown_ = rng.uniform(0.08, 0.15), rng.uniform(0.5, 0.65)
    lobes = int(rng.integers(6, 10))
    angle = np.linspace(0.3, 1.2, 120) * 2 * np.pi
    wave = crown_ * (1 + 0.16 * np.abs(np.sin(0.5 * lobes * (angle - angle[0]) * 1.11)))
    leaves = np.stack([-0.3 + 0.95 * wave * np.sin(angle), 1.1 * wave * np.cos(angle)], axis=1)
    branches = [line((0.3, 0), (-0.1, -0.25)), line((0.2, 0), (-0.2, 0.2))]
    fruit = [ring(-0.3 + r, c, 0.07) for r, c in ((-0.3, 0), (0, -0.35), (0.05, 0.35))]
    return [
        *both(line((0.28, trunk), (0.95, trunk + 0.05))),
        leaves,
        *maybe(rng, *branches, chance=0.5),
        *maybe(rng, *fruit, chance=0.4),
    ]
