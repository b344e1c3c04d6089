"""How the dream of one frame goes on in the next: what is carried, where it begins, where it rests."""

from dataclasses import dataclass

import numpy as np

from dreamvid.media import Image, Pixels, to_float
from dreamvid.motion import Motion, warp
from dreamvid.settings import CoherenceSettings
from dreamvid.video import cv

LOST = 0.4  # share of the frame below which a motion that is valid is no longer worth following
GAIN = (0.90, 1.05)  # limits of a band's gain per frame: strength is steered, not forced
CEILING = 1.25  # score, as a share of the fresh dream's, at which a carried frame is dreamed no further
STEP = 0.5  # step size on a carried frame, as a share of a fresh one's: the layer is there already


@dataclass(frozen=True)
class Strength:
    """How strong the first dream of a shot is, which the others are held to; per octave, coarse to fine.

    `bands`: rms of the layer in each octave's band, in [0, 1]; `scores`: the objective at each octave's size.
    """

    bands: tuple[float, ...]
    scores: tuple[float, ...]

    def ease(self, octave: int, score: float) -> float:
        """Share of the step size for a carried frame, 0 to 2: none where the score is `CEILING` of the fresh dream's.

        A layer of constant rms is still polished by every step; only a step that comes to rest keeps it from growing.
        """
        target = self.scores[octave]
        if target <= 0:
            return STEP
        return STEP * min(4.0, max(0.0, (CEILING - score / target) / (CEILING - 1)))


@dataclass(frozen=True)
class Carry:
    """All that crosses from one frame to the next, exactly as it is stored: `source` and `dream`, uint8 H x W x 3.

    `index`: the source frame's; `strength`: that of its shot's first dream.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength

    @property
    def layer(self) -> Image:
        """What dreaming has added to the picture: H x W x 3, in [-1, 1]."""
        return to_float(self.dream) - to_float(self.source)


def bands(layer: Image, sizes: list[tuple[int, int]]) -> list[Image]:
    """Splits a layer into octave bands that sum to it; `sizes`: (height, width) coarse to fine, the last its own."""
    cv2 = cv.load()
    height, width = layer.shape[:2]
    parts, below = [], np.zeros_like(layer)
    for rows, columns in sizes[:-1]:
        small = cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_AREA)
        above = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        parts.append(above - below)
        below = above
    return [*parts, layer - below]


def band_rms(layer: Image, sizes: list[tuple[int, int]]) -> tuple[float, ...]:
    """The rms of a layer in each octave's band, coarse to fine, in [0, 1]."""
    return tuple(float(np.sqrt(np.square(band).mean())) for band in bands(layer, sizes))


def seed(
    carry: Carry, motion: Motion | None, source: Image, settings: CoherenceSettings, sizes: list[tuple[int, int]]
) -> Image | None:
    """The layer that the next frame's dream begins with; None where nothing is worth carrying.

    With a motion: the last layer moved with the picture, each octave's band held at the strength it had when the shot
    began, since warping and further steps would let it fade or grow. Without: a share of the last dream where it was.
    """
    if motion is None:
        return settings.blend * (to_float(carry.dream) - source)
    share = float(motion.valid.mean())
    if share < LOST:
        return None
    moved = warp(carry.layer, motion)
    layer = np.zeros_like(moved)
    for band, wanted in zip(bands(moved, sizes), carry.strength.bands, strict=True):
        rms = float(np.sqrt(np.square(band).mean() / share))
        layer += band * (np.clip(wanted / rms, *GAIN) if rms > 0 else 1.0)
    return layer


def settle(dream: Image, carry: Carry, source: Pixels) -> Image:
    """Lets the dream rest where the picture does: where the source has not changed at all, the last dream stays.

    `dream`: the new one, H x W x 3 in [0, 1]; `source`: the new source frame. The edge between rest and change is soft.
    """
    cv2 = cv.load()
    still = (source == carry.source).all(axis=2).astype(np.uint8)
    if not still.any():
        return dream
    reach = max(3, min(source.shape[:2]) // 40) | 1  # a pixel rests only if its neighbourhood does
    still = cv2.erode(still, np.ones((reach, reach), np.uint8), borderValue=1)
    weight = cv2.blur(still.astype(np.float32), (reach, reach))[..., None] * still[..., None]
    return weight * to_float(carry.dream) + (1 - weight) * dream
