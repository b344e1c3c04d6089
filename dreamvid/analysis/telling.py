"""Score pictures by how telling they are of their film: full of detail, well lit, no fade."""

import numpy as np

from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.dream.deepdream import LIGHT

BLACK, WHITE = 0.06, 0.94  # brightness beyond which a place shows nothing
APART = 2  # pixels over which detail is measured: finer is grain


def telling(picture: Pixels) -> float:
    """Return how telling a picture is, to be compared with others of the same film and size.

    It is the mean square root of the detail of the places that are lit: a single sharp edge tells less than
    detail all over. A fade loses contrast, a dissolve halves that of both its pictures, a blur loses both.
    """
    bright = to_float(picture) @ np.array(LIGHT, np.float32)
    lit = (bright > BLACK) & (bright < WHITE)
    return float(np.sqrt(_detail(bright) * lit).mean())


def _detail(bright: Image) -> Image:
    """Return the change of brightness at each place, down and to the right; 0 at the last rows and columns."""
    found = np.zeros_like(bright)
    found[:-APART] += np.abs(bright[APART:] - bright[:-APART])
    found[:, :-APART] += np.abs(bright[:, APART:] - bright[:, :-APART])
    return found
