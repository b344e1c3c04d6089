"""Random variation of sketches: that of the training set, and the distortions reserved for the test set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dreamvid.research.sketches.kinds import KINDS
from dreamvid.research.sketches.strokes import Stroke

CLASSES = tuple(KINDS)


@dataclass(frozen=True)
class Sketch:
    """Strokes in drawing order, and the pen width (see `render`) for paper of 256 pixels a side."""

    strokes: tuple[Stroke, ...]
    width: float


Distortion = Callable[[Sketch, np.random.Generator], Sketch]


def drawn(kind: str, rng: np.random.Generator, distortions: Sequence[Distortion] = ()) -> Sketch:
    """Draw a random sketch of a kind; `distortions` are applied before it is placed on the paper.

    It is mirrored or not, rotated by up to 35 degrees, stretched by up to a fifth, wobbled, sized to 35 to 92 % of the
    paper and placed anywhere on it, with a pen of 1 to 5.
    """
    sketch = Sketch(tuple(KINDS[kind](rng)), rng.uniform(0.6, 5.4))
    for distortion in distortions:
        sketch = distortion(sketch, rng)
    return replace(sketch, strokes=_placed(_wobbled(sketch.strokes, rng), rng))


def _wobbled(strokes: Sequence[Stroke], rng: np.random.Generator) -> list[Stroke]:
    """Bend strokes by slow sine waves over the sketch."""
    swing, turn, size = rng.uniform(2, 7, (2, 2)), rng.uniform(0, 2 * np.pi, 2), rng.uniform(0, 0.05)
    return [stroke + size * np.sin(stroke @ swing + turn) for stroke in strokes]


def _placed(strokes: Sequence[Stroke], rng: np.random.Generator) -> tuple[Stroke, ...]:
    angle, aspect = np.radians(rng.uniform(-35, 35)), np.exp(rng.uniform(-0.2, 0.2))
    flip = np.diag([1.0, rng.choice([-1.0, 1.0])])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = [stroke @ flip @ np.diag([aspect, 1 / aspect]) @ turn for stroke in strokes]
    every = np.concatenate(turned)
    low, high = every.min(axis=0), every.max(axis=0)
    half = rng.uniform(0.35, 0.92)
    scale = 2 * half / (high - low).max()
    room = np.maximum(1 - scale * (high - low) / 2 - 0.03, 0)
    centre = rng.uniform(-room, room)
    return tuple((stroke - (low + high) / 2) * scale + centre for stroke in turned)


def sheared(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Shear by 0.25 to 0.45 columns per row, to either side."""
    slant = np.array([[1, rng.choice([-1, 1]) * rng.uniform(0.25, 0.45)], [0, 1]])
    return replace(sketch, strokes=tuple(stroke @ slant for stroke in sketch.strokes))


def in_perspective(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Apply a perspective: the near side is up to 2.3 times as large as the far side."""
    angle = rng.uniform(0, 2 * np.pi)
    away = rng.uniform(0.25, 0.4) * np.array([np.sin(angle), np.cos(angle)])
    return replace(sketch, strokes=tuple(stroke / (1 + stroke @ away)[:, None] for stroke in sketch.strokes))


def other_pen(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Use a pen width of 7 to 9, wider than any in training."""
    return replace(sketch, width=rng.uniform(6.6, 9.4))


def shaky(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Move every point of every stroke by Gaussian noise of about 2 % of the sketch."""
    size = rng.uniform(0.012, 0.028)
    return replace(sketch, strokes=tuple(stroke + rng.normal(0, size, stroke.shape) for stroke in sketch.strokes))


def loose(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Move, rotate and resize every stroke independently a little, so that strokes no longer meet."""

    def off(stroke: Stroke) -> Stroke:
        middle, angle = stroke.mean(axis=0), rng.normal(0, 0.1)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        moved: Stroke = (stroke - middle) @ turn * rng.uniform(0.88, 1.12) + middle + rng.normal(0, 0.05, 2)
        return moved

    return replace(sketch, strokes=tuple(off(stroke) for stroke in sketch.strokes))


def unfinished(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Remove a fifth of the strokes, at least one; of three or fewer strokes, cut the end of one instead."""
    count = len(sketch.strokes)
    if count <= 3:
        cut = int(rng.integers(count))
        strokes = [s[: max(2, round(0.75 * len(s)))] if n == cut else s for n, s in enumerate(sketch.strokes)]
        return replace(sketch, strokes=tuple(strokes))
    gone = set(rng.choice(count, max(1, count // 5), replace=False).tolist())
    return replace(sketch, strokes=tuple(s for n, s in enumerate(sketch.strokes) if n not in gone))


def occluded(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """Erase three discs around points of the strokes, each 12 to 20 % of the sketch in radius."""
    every = np.concatenate(sketch.strokes)
    spots = [(every[rng.integers(len(every))], rng.uniform(0.12, 0.2)) for _ in range(3)]
    pieces: list[Stroke] = []
    for stroke in sketch.strokes:
        seen = np.all([np.hypot(*(stroke - spot).T) > radius for spot, radius in spots], axis=0)
        runs = np.split(np.arange(len(stroke)), np.flatnonzero(np.diff(seen)) + 1)
        pieces += [stroke[run] for run in runs if seen[run[0]] and len(run) > 1]
    return replace(sketch, strokes=tuple(pieces) or sketch.strokes)


DISTORTIONS: dict[str, Distortion] = {
    distortion.__name__.replace("_", " "): distortion
    for distortion in (sheared, in_perspective, other_pen, shaky, loose, unfinished, occluded)
}


def distorted(kind: str, rng: np.random.Generator, at_once: int = 1) -> Sketch:
    """Draw a sketch for the test: with `at_once` different DISTORTIONS, none of which occurs in training."""
    chosen = rng.choice(len(DISTORTIONS), at_once, replace=False)
    return drawn(kind, rng, [list(DISTORTIONS.values())[number] for number in chosen])
