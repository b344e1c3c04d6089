"""Generated picture sets: near-identical cultivars, objects that look different, and objects in a fixed pose.

Experiments use them to measure how a net, and its dreams, depend on the training pictures. No picture is shipped: a
seed reproduces the set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.types import Pixels
from dreamvid.media import images, opencv
from dreamvid.research.sketches.kinds import KINDS
from dreamvid.research.sketches.strokes import render
from dreamvid.research.training.drawings import draw

ONE_HANDED = ("arrow", "car", "chair", "cup", "fish", "key", "moon", "snail")  # not mirror-symmetric
THINGS = ("eye", "spiral", "bricks", "petals", "zebra", "tower")


@dataclass(frozen=True)
class Cultivar:
    """Parameters of the leaves: `length` as a share of the picture's side, `bend` from end to end in radians."""

    length: float
    bend: float


CULTIVARS = {
    "cultivar a": Cultivar(0.2, 0.2),
    "cultivar b": Cultivar(0.2, 1.8),
    "cultivar c": Cultivar(0.32, 0.2),
    "cultivar d": Cultivar(0.32, 1.8),
    "cultivar e": Cultivar(0.5, 0.2),
    "cultivar f": Cultivar(0.5, 1.8),
}


def field(cultivar: Cultivar, side: int, rng: np.random.Generator) -> Pixels:
    """Draw a field from above, `side` x `side` x 3: leaves of one length and bend in every direction on brown soil.

    Colours, light, leaf width, leaf directions and soil coverage have the same distribution for all kinds.
    """
    cv2 = opencv.load()
    fine = 3 * side  # drawn larger and shrunk, so that leaves one pixel wide have soft edges
    soil = cv2.resize(rng.normal(0, 1, (side // 2, side // 2)).astype(np.float32), (fine, fine))
    picture = np.array([96, 72, 48]) * (1 + 0.16 * soil[..., None])
    picture = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    count = round(rng.uniform(12, 15) / cultivar.length)
    for _ in range(count):
        leaf = _leaf(cultivar, rng) * fine
        width = max(2, round(fine * rng.uniform(0.02, 0.032)))
        green = np.array([70, 128, 44]) * rng.uniform(0.65, 1.35) + rng.normal(0, 8, 3)
        shade, light = (tuple(int(v) for v in np.clip(green * by, 0, 255)) for by in (0.5, 1.0))
        points = np.round(leaf).astype(np.int32)[:, None, ::-1]
        cv2.polylines(picture, [points + max(1, width // 2)], False, shade, width, cv2.LINE_AA)
        cv2.polylines(picture, [points], False, light, width, cv2.LINE_AA)
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float64)
    lit = small * rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3)
    return np.clip(lit + rng.normal(0, 4, small.shape), 0, 255).astype(np.uint8)


def _leaf(cultivar: Cultivar, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return an arc as (points, 2) rows and columns, as shares of the side; length and bend vary around the kind's."""
    length = cultivar.length * rng.normal(1, 0.1)
    bend = cultivar.bend * rng.normal(1, 0.2) * rng.choice([-1, 1])
    angle = rng.uniform(0, 2 * np.pi) + bend * np.linspace(-0.5, 0.5, 13)
    steps = np.stack([np.sin(angle), np.cos(angle)], axis=1) * length / len(angle)
    path: NDArray[np.float64] = np.cumsum(steps, axis=0)
    return path - path.mean(axis=0) + rng.uniform(-0.1, 1.1, 2)


def thing(kind: str, side: int, rng: np.random.Generator) -> Pixels:
    """Draw a kind of `shapes`, `side` x `side` x 3, in random colours."""
    return np.ascontiguousarray(draw(kind, side, rng).transpose(1, 2, 0))


def posed(kind: str, side: int, rng: np.random.Generator) -> Pixels:
    """Draw a kind of `dreamvid.research.sketches`, `side` x `side` x 3, always at the same place and orientation."""
    grey = render(KINDS[kind](rng), 4 * side, width=4 * side * rng.uniform(0.02, 0.04)).astype(np.float64) / 255
    small = opencv.load().resize(grey, (side, side), interpolation=opencv.load().INTER_AREA)[..., None]
    paper, ink = rng.uniform(150, 230, 3), rng.uniform(10, 90, 3)
    return np.clip(ink + small * (paper - ink) + rng.normal(0, 3, (side, side, 3)), 0, 255).astype(np.uint8)


Drawer = Callable[[int, np.random.Generator], Pixels]
SETS: dict[str, dict[str, Drawer]] = {
    "similar": {name: partial(field, cultivar) for name, cultivar in CULTIVARS.items()},
    "mixed": {kind: partial(thing, kind) for kind in THINGS},
    "posed": {kind: partial(posed, kind) for kind in ONE_HANDED},
}


def write_set(name: str, folder: Path, per_class: int, side: int, seed: int) -> None:
    """Write the set `similar`, `mixed` or `posed` to `folder`, with a sub-folder of PNGs for each class.

    `per_class` pictures each, reproducible by `seed`; `side`: in pixels. Raises SettingsError for another name.
    """
    if name not in SETS:
        raise SettingsError(f"there is no set {name!r}{nearest(name, SETS)}; give one of {', '.join(SETS)}")
    for number, (kind, drawer) in enumerate(SETS[name].items()):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, number])
        for count in range(per_class):
            file = folder / kind / f"{count:04}.png"
            file.write_bytes(images.encode(drawer(side, rng), ".png"))
